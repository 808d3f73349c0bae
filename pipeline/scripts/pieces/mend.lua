-- For scripts that put right what a hand or a lost failover did to a live task. Rows and partials are the truth (I1, I2):
-- what can be computed again is put again, what cannot begins anew or fails as lost. Needs the piece guard.
local MOST_RESTARTS, LONGEST_PAUSE_MS = 3, 450000
local mended = 0                        -- how many things were wrong
local function right(n) mended = mended + (n or 1) end

local unseen = {}                       -- ring → are there too many ids in it to look at?
local function in_ring(t)
  local key = ring_of(t)
  if unseen[key] == nil then unseen[key] = call('LLEN', key) > 1000 end
  return unseen[key] or call('LPOS', key, t.id)             -- Redis looks for one faster than Lua reads all
end
local function stands(t)                -- in its ring, if it has parts to issue
  touched[slot(t)] = touched[slot(t)] or t                  -- a ring that should have been fed is fed now
  local ringed = in_ring(t)
  if t.parts == 1 then
    if not ringed and feedable(t) then join(t); right() end
    return
  end
  if t.ring == '1' and not ringed then call('HDEL', K.task(t.id), 'ring'); t.ring = nil; right() end
  if t.ring ~= '1' and ringed and not unseen[ring_of(t)] then call('HSET', K.task(t.id), 'ring', '1'); t.ring = '1'; right() end
  local before = t.ring
  join(t)
  if t.ring ~= before then right() end
end

local delivered = {}                    -- place → the last id that the group has handed out, as {ms, sequence}
local function halves(entry)
  local ms, sequence = string.match(entry, '^(%d+)-(%d+)$')
  return {tonumber(ms), tonumber(sequence)}
end
local function was_delivered(row)
  local last = delivered[row.place]
  if not last then
    for _, group in ipairs(call('XINFO', 'GROUPS', K.jobs(row.place))) do   -- each begins with its name
      for i = 3, #group, 2 do
        if group[2] == G and group[i] == 'last-delivered-id' then last = halves(group[i + 1]) end
      end
    end
    delivered[row.place] = last
  end
  local entry = halves(row.entry)
  return entry[1] < last[1] or entry[1] == last[1] and entry[2] <= last[2]
end
-- Nobody will ever be given this entry: it is gone, or it was handed out and is not pending any more.
local function missing(row)
  local stream = K.jobs(row.place)
  if #call('XRANGE', stream, row.entry, row.entry) == 0 then return true end
  return #call('XPENDING', stream, G, row.entry, row.entry, 1) == 0 and (row.holder ~= '-' or was_delivered(row))
end
-- A row is the truth: a job that is held and no longer pending is put again, its holder learns lost.
local function on_its_place(t, job, row)
  if row.entry == 'later' then
    local at = tonumber(call('ZSCORE', K.later, t.id .. ' ' .. job) or 0)
    if at == 0 or at > now + LONGEST_PAUSE_MS then          -- or Redis' clock went back by hours
      call('ZADD', K.later, now, t.id .. ' ' .. job)
      right()
    end
  elseif missing(row) then
    unput(t, job, row)
    again(t, job, row.holder == '-' and row.attempts or math.max(row.attempts - 1, 0), row.interruptions)   -- what was begun did not end itself (I12)
    note(t.id, 'repair ' .. job)
    right()
  end
end
local PLACE = {}
for _, place in ipairs(PLACES) do PLACE[place] = true end
local function sane(row) return row and PLACE[row.place] and (row.entry == 'later' or is_entry(row.entry)) end
local function discard(t, job, row)     -- a row that must not be
  if sane(row) then unput(t, job, row) end
  call('HDEL', rows_of(t), job)
  share(t, -1)
  right()
end

-- All jobs off and the first part next: the accumulator cannot be made from the partials that are left.
local function anew(t, what)
  local restarts = tonumber(call('HGET', K.task(t.id), 'restarts') or 0) + 1
  right()
  if t.stop or restarts > MOST_RESTARTS then return lose(t, what) end
  local n = 0
  for job, row in pairs(rows(t)) do unput(t, job, row); n = n + 1 end
  call('DEL', K.rows(t.id), K.partials(t.id), K.curve(t.id))
  call('HSET', K.task(t.id), 'next', 0, 'done', 0, 'folded', 0, 'restarts', restarts)
  call('HDEL', K.task(t.id), 'estimate')
  t.next, t.done, t.folded = 0, 0, 0
  share(t, -n)
  note(t.id, 'begin anew: the store has lost ' .. what)
  event(t.id, 'begun anew')
  stands(t)
end
local function sound(key)               -- a hash, or nothing
  local type = call('TYPE', key).ok
  if type ~= 'hash' and type ~= 'none' then call('DEL', key); right() end
end
-- The partials that are there and belong there; done and the counters of the waves follow from them.
local function right_partials(t, start, bound)
  local stored, counted, n, accumulator, said = {}, {}, 0, false, {}
  for _, name in ipairs(call('HKEYS', K.partials(t.id))) do
    local part = string.find(name, '^%d+$') and tonumber(name)
    if name == 'accumulator' then accumulator = true
    elseif part and part >= start and part < bound then
      stored[part] = true; n = n + 1
      local field = 'wave:' .. wave_of(t, part)
      counted[field] = (counted[field] or 0) + 1
    elseif string.sub(name, 1, 5) == 'wave:' then said[name] = true
    else call('HDEL', K.partials(t.id), name); right() end
  end
  for field in pairs(counted) do said[field] = true end
  for field in pairs(said) do
    local stands_at = call('HGET', K.partials(t.id), field)
    if not counted[field] then call('HDEL', K.partials(t.id), field); right()
    elseif stands_at ~= tostring(counted[field]) then call('HSET', K.partials(t.id), field, counted[field]); right() end
  end
  return stored, start + n, accumulator
end
local function right_rows(t, start, bound, stored)
  local all, found = call('HGETALL', K.rows(t.id)), {}
  for i = 1, #all, 2 do
    local job, row = all[i], parse(all[i + 1])
    local letter, n = string.match(job, '^([prx])(%d*)$')
    n = tonumber(n)
    local fits = letter == 'x' and t.stop and not n
      or letter == 'r' and n == t.folded
      or letter == 'p' and not t.stop and n and n >= start and n < bound and not stored[n]
    if fits and sane(row) then found[job] = row else discard(t, job, row) end
  end
  return found
end
local function right_next(t, start, bound, stored, found)   -- behind all that has been issued
  local most = start
  for part in pairs(stored) do most = math.max(most, part + 1) end
  for job in pairs(found) do most = math.max(most, tonumber(string.match(job, '^p(%d+)$') or 0) + 1) end
  return t.next >= most and t.next <= bound and t.next or most
end
local function write_if_other(t, name, n)
  if t[name] == n then return end
  call('HSET', K.task(t.id), name, n)
  t[name] = n
  right()
end
local function mend_parts(t)
  local start, finish = wave_span(t, t.folded)
  local _, ahead = wave_bounds(t, t.folded + 1)
  local bound = math.min(math.max(ahead, start + 2 * t.window), t.parts)    -- no part from here on has been issued
  local stored, done, accumulator = right_partials(t, start, bound)
  if accumulator ~= (t.folded > 0) or start >= t.parts then return anew(t, 'what was folded') end
  write_if_other(t, 'done', done)
  local found, full = right_rows(t, start, bound, stored), true
  for part = start, finish - 1 do full = full and stored[part] end
  local fold = 'r' .. t.folded
  if found[fold] and not full then discard(t, fold, found[fold]); found[fold] = nil end
  if t.stop and t.folded == 0 and not found[fold] then right(); return lose(t, 'what was folded') end
  if not t.stop then
    write_if_other(t, 'next', right_next(t, start, bound, stored, found))
    local n = 0
    for part = start, t.next - 1 do
      if not stored[part] and not found['p' .. part] then again(t, 'p' .. part, 0, 0); n = n + 1 end
    end
    share(t, n)
    right(n)
    if n > 0 then note(t.id, 'repair: ' .. n .. ' parts put again') end
    if full and not found[fold] then reduce_if_full(t); note(t.id, 'repair ' .. fold); right() end
  end
  for job, row in pairs(found) do on_its_place(t, job, row) end
  stands(t)
end
local function mend_whole(t)
  local text = call('HGET', K.task(t.id), 'p0')
  local row = parse(text)
  if text and not sane(row) then discard(t, 'p0', row); row = nil end
  if row then on_its_place(t, 'p0', row)
  elseif t.state == 'running' then
    again(t, 'p0', math.max(tonumber(t.attempts or 0) - 1, 0), 0)
    share(t, 1)
    note(t.id, 'repair p0')
    right()
  end
  stands(t)
end
local function due_at(t, member, at)    -- a member of `later`
  if not call('ZSCORE', K.later, member) then call('ZADD', K.later, tonumber(at) or now, member); right() end
end
local function mend(t)
  if call('HEXISTS', K.task(t.id), 'data') == 0 then right(); return lose(t, 'the data') end
  if t.parts ~= 1 then
    sound(K.rows(t.id))
    sound(K.partials(t.id))
    if t.unplanned then right(); return lose(t, 'the plan') end
  end
  if t.deadline and not t.stop then due_at(t, t.id .. ' deadline', t.deadline) end
  if t.limit_at and t.state == 'running' then due_at(t, t.id .. ' limit', t.limit_at) end
  if t.state == 'scheduled' then due_at(t, t.id, call('HGET', K.task(t.id), 'not_before'))
  elseif t.parts == 1 then mend_whole(t) else mend_parts(t) end
end
-- What is left of a task whose record is gone; kind and owner stand in the entries of its jobs, if there are any.
local function mend_gone(id)
  local kind, owner
  local all = redis.pcall('HGETALL', K.rows(id))
  for i = 1, #all, 2 do
    local row = parse(all[i + 1])
    if sane(row) then
      local entry = row.entry ~= 'later' and call('XRANGE', K.jobs(row.place), row.entry, row.entry)[1]
      if entry and entry[2][7] == 'kind' then kind, owner = entry[2][8], entry[2][10] end
      unput({id = id}, all[i], row)
    end
  end
  gone(id, kind, owner)
  right()
end
