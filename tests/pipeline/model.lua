-- with: ledger work
-- Every invariant that can be read off the store at once; answers what is broken. ARGV: share, -, 'hand' | ''.
-- With `hand` somebody puts and deletes entries by hand: then there may be entries without rows, and since parts whose
-- partials went are put again all at once, more jobs than window and share allow.
local hand, broken = ARGV[3] == 'hand', {}
local function wrong(text) broken[#broken + 1] = text end
local in_stream, tokens, pending = {}, {}, {}
for _, place in ipairs(PLACES) do
  for _, x in ipairs(call('XPENDING', K.jobs(place), G, '-', '+', 10000)) do pending[place .. '/' .. x[1]] = x[2] end
  for _, entry in ipairs(call('XRANGE', K.jobs(place), '-', '+')) do
    local id, job, token = entry[2][2] or '', entry[2][4] or '', place .. '/' .. entry[1]
    local t = task(id)
    tokens[token] = true
    local row = t and row_of(t, job)
    if in_stream[id .. ' ' .. job] and not hand then wrong('I1 two entries of ' .. id .. ' ' .. job) end
    in_stream[id .. ' ' .. job] = token
    if not row or row.token ~= token then
      if not hand then wrong('I1 no row names ' .. token .. ' ' .. id .. ' ' .. job) end
    else
      if pending[token] and row.holder ~= '-' and row.holder ~= pending[token] then wrong('row and group name two holders of ' .. token) end
      if not pending[token] and row.holder ~= '-' and not hand then wrong('held but not pending ' .. token) end
    end
    pending[token] = nil
  end
end
if not hand then for token in pairs(pending) do wrong('pending without entry ' .. token) end end

local listed, in_being_now, later = {}, {}, 0
local function look_at_jobs(t)
  local parts, folds, x = 0, {}, 0
  for job, row in pairs(rows(t)) do
    local letter = string.sub(job, 1, 1)
    if letter == 'p' then parts = parts + 1 elseif letter == 'r' then folds[#folds + 1] = job else x = x + 1 end
    if row.entry == 'later' then
      later = later + 1
      if not call('ZSCORE', K.later, t.id .. ' ' .. job) then wrong('I1 not in later: ' .. t.id .. ' ' .. job) end
    elseif not tokens[row.token] then wrong('I1 row without entry ' .. t.id .. ' ' .. job) end
    in_being_now[slot(t)] = (in_being_now[slot(t)] or 0) + 1
  end
  return parts, folds, x
end
local function look_at_waves(t, parts, folds, x)
  local start, finish = wave_span(t, t.folded)
  if not t.stop and parts + t.done ~= t.next then wrong('I2 next ' .. t.next .. ' done ' .. t.done .. ' rows ' .. parts .. ' of ' .. t.id) end
  if t.stop and parts > 0 then wrong('parts after a stop of ' .. t.id) end
  if not hand and parts + #folds + x > t.window then wrong('more than a window of ' .. t.id) end
  local _, ahead = wave_bounds(t, t.folded + 1)
  if t.next > math.max(ahead, start + 2 * t.window) then wrong('too far ahead of the fold ' .. t.id) end
  local stored, in_waves = 0, 0
  local held_partials = call('HGETALL', K.partials(t.id))
  for i = 1, #held_partials, 2 do
    local part = tonumber(held_partials[i])
    if part then
      stored = stored + 1
      if part < start then wrong('a folded partial is still there ' .. t.id) end
    elseif string.sub(held_partials[i], 1, 5) == 'wave:' then in_waves = in_waves + tonumber(held_partials[i + 1]) end
  end
  if stored ~= t.done - start then wrong('I2 partials ' .. stored .. ' done ' .. t.done .. ' folded to ' .. start .. ' of ' .. t.id) end
  if stored ~= in_waves then wrong('wave counts of ' .. t.id) end
  local full = tonumber(call('HGET', K.partials(t.id), 'wave:' .. t.folded) or '0') == finish - start and finish > start
  if not t.stop and full ~= (#folds == 1) then wrong('I3 wave ' .. t.folded .. ' full ' .. tostring(full) .. ' folds ' .. #folds .. ' of ' .. t.id) end
  if #folds > 1 or (folds[1] and folds[1] ~= 'r' .. t.folded) then wrong('I3 a fold of the wrong wave of ' .. t.id) end
  if x > 1 or (x == 1 and (not t.stop or #folds > 0)) then wrong('I3 the job x of ' .. t.id) end
end
local function in_ring(t)
  for _, id in ipairs(call('LRANGE', ring_of(t), 0, -1)) do if id == t.id then return true end end
  return false
end
local function look_at_live(t)
  local parts, folds, x = look_at_jobs(t)
  local ringed = in_ring(t)
  if t.parts > 1 then
    look_at_waves(t, parts, folds, x)
    if ringed ~= (t.ring == '1') then wrong('ring mark of ' .. t.id) end
  end
  if feedable(t) and not ringed then wrong('feedable and not in its ring ' .. t.id) end
  if parts + #folds + x == 0 and not ringed then wrong('I1 lost ' .. t.id) end
end
local function look_at_final(t)
  if call('EXISTS', K.rows(t.id), K.partials(t.id)) > 0 or row_of(t, 'p0') then wrong('I11 jobs of the finished ' .. t.id) end
  if call('PTTL', K.task(t.id)) < 0 then wrong('I6 no TTL on ' .. t.id) end
  if call('EXISTS', K.history(t.id)) == 1 and call('PTTL', K.history(t.id)) < 0 then wrong('I6 no TTL on the history of ' .. t.id) end
end
for _, state in ipairs({'scheduled', 'queued', 'running', 'succeeded', 'failed', 'cancelled'}) do
  for _, id in ipairs(call('ZRANGE', K.index_state(state), 0, -1)) do
    local t = task(id)
    if not t then wrong('I16 index of a task that is gone ' .. id) else
      if t.state ~= state then wrong('I16 ' .. id .. ' listed as ' .. state .. ' is ' .. t.state) end
      if listed[id] then wrong('I16 listed twice ' .. id) end
      listed[id] = true
      if not call('ZSCORE', K.index_owner(t.owner, state), id) or not call('ZSCORE', K.index_kind(t.kind), id) then wrong('I16 owner or kind index misses ' .. id) end
      if live(t) then look_at_live(t)
      elseif state == 'scheduled' then
        later = later + 1
        if not call('ZSCORE', K.later, id) then wrong('I1 scheduled and not in later ' .. id) end
      else look_at_final(t) end
      local in_later = call('ZSCORE', K.later, id .. ' deadline')
      if t.deadline and not t.stop and (live(t) or state == 'scheduled') and not in_later then wrong('no deadline in later of ' .. id) end
      if in_later then later = later + 1 end
      in_later = call('ZSCORE', K.later, id .. ' limit')
      if (t.limit_at and t.state == 'running' or false) ~= (in_later and true or false) then wrong('time limit in later of ' .. id) end
      if in_later then later = later + 1 end
      if t.state == 'running' and t.parts > 1 and not t.limit_at then wrong('no time limit of ' .. id) end
    end
  end
end
if not hand and call('ZCARD', K.later) ~= later then wrong('later holds ' .. call('ZCARD', K.later) .. ' and should hold ' .. later) end
local counted = call('HGETALL', K.shares)
for i = 1, #counted, 2 do
  local n = tonumber(counted[i + 1])
  if n ~= (in_being_now[counted[i]] or 0) then wrong('I17 share ' .. counted[i] .. ' is ' .. n .. ', rows ' .. (in_being_now[counted[i]] or 0)) end
  if n > SHARE and not hand or n <= 0 then wrong('I17 share out of range ' .. counted[i] .. ' ' .. n) end
  in_being_now[counted[i]] = nil
end
for s, n in pairs(in_being_now) do wrong('I17 share missing ' .. s .. ' ' .. n) end
for id in pairs(listed) do
  local t = task(id)
  if live(t) and call('EXISTS', ring_of(t)) == 1 and in_being(slot(t)) < SHARE then wrong('I17 a ring though the share is not full ' .. slot(t)) end
end
touched, adds, removes, happened = {}, {}, {}, {}      -- it only looks
return broken
