-- For scripts that add or remove jobs: rows, waves, placing, the ring, the end of a task.
local TASK = {'state', 'parts', 'owner', 'priority', 'kind', 'next', 'done', 'folded', 'first_wave', 'largest_wave', 'window',
  'ring', 'stop', 'result_ttl_s', 'batch', 'submitted_at', 'started_at', 'request_id', 'traceparent', 'deadline', 'attempts',
  'limit_at', 'webhook'}
local tasks = {}
local KNOWN = {}
for _, priority in ipairs(PRIORITIES) do KNOWN[priority] = true end
local function priority_of(text) return KNOWN[text] and text or 'medium' end   -- a hand may have written a place that nobody reads
local function task(id)                 -- one table a task and call: what a script changes, it changes here too
  if tasks[id] then return tasks[id] end
  local v = redis.pcall('HMGET', K.task(id), unpack(TASK))  -- no hash: no record either
  if not (v[1] and v[2] and v[3] and v[4] and v[5]) then return nil end
  local t = {id = id}
  for i, name in ipairs(TASK) do t[name] = v[i] or nil end
  for _, name in ipairs({'parts', 'next', 'done', 'folded', 'first_wave', 'largest_wave', 'window'}) do
    if t[name] and (#t[name] > 15 or not string.match(t[name], '^%d+$')) then     -- a hand was there: `mend` sees to the rest
      call('HSET', K.task(id), name, '0')
      t[name] = '0'
    end
    t[name] = tonumber(t[name] or '0')
  end
  t.priority = priority_of(t.priority)
  -- With sizes of 0 the waves would have no end: such a task is safe to look at, and `mend` ends it.
  t.unplanned = t.parts ~= 1 and (t.parts < 1 or t.first_wave < 1 or t.largest_wave < t.first_wave or t.window < 1)
  if t.unplanned then t.first_wave, t.largest_wave = 1, 1 end
  tasks[id] = t
  return t
end
local function live(t) return t and (t.state == 'queued' or t.state == 'running') end

-- A row is "<token> <attempts> <interruptions> <holder>"; a token is "<place>/<entry id>", or "<place>/later".
local function rows_of(t) if t.parts == 1 then return K.task(t.id) end return K.rows(t.id) end
local function parse(row)
  if type(row) ~= 'string' then return nil end              -- none, or the error of a key of another type
  local token, place, entry, attempts, interruptions, holder =
    string.match(row, '^(([%a:]+)/(%S+)) (%d+) (%d+) (%S+)$')
  if not token then return nil end
  return {token = token, place = place, entry = entry, attempts = tonumber(attempts),
    interruptions = tonumber(interruptions), holder = holder}
end
local function row_of(t, job) return parse(redis.pcall('HGET', rows_of(t), job)) end
local function rows(t)                  -- job → row
  if t.parts == 1 then return {p0 = row_of(t, 'p0')} end
  local all, found = redis.pcall('HGETALL', K.rows(t.id)), {}
  for i = 1, #all, 2 do found[all[i]] = parse(all[i + 1]) end
  return found
end
-- Who holds this very placing of the job? A late one gets nil, and its script changes nothing (I5).
local function is_held(row, token) return row and row.token == token and row.holder ~= '-' end
local function held(t, job, token)
  local row = t and row_of(t, job)
  return is_held(row, token) and row or nil
end
local function write_row(t, job, token, attempts, interruptions, holder)
  call('HSET', rows_of(t), job, token .. ' ' .. attempts .. ' ' .. interruptions .. ' ' .. holder)
end
local function entry_of(stream, id, job, parts, kind, owner, request_id, traceparent)
  if not (request_id or traceparent) then
    return call('XADD', stream, '*', 'task', id, 'job', job, 'of', parts, 'kind', kind, 'owner', owner)
  end
  return call('XADD', stream, '*', 'task', id, 'job', job, 'of', parts, 'kind', kind, 'owner', owner,
    'request_id', request_id or '', 'traceparent', traceparent or '')
end
local function enqueue(t, job, place)   -- a new entry is a new token
  return place .. '/' .. entry_of(K.jobs(place), t.id, job, t.parts, t.kind, t.owner, t.request_id, t.traceparent)
end
local function put(t, job, place, attempts, interruptions)
  write_row(t, job, enqueue(t, job, place), attempts, interruptions, '-')
end
-- What has begun goes before what has not: released, retried and reduce jobs have a stream that is read first.
local function again(t, job, attempts, interruptions) put(t, job, t.priority .. ':again', attempts, interruptions) end
local function drop(place, entry) collect(entries, K.jobs(place), entry) end
local function is_entry(text)           -- an id that a stream can have
  local ms, sequence = string.match(text, '^(%d+)-(%d+)$')
  return ms and #ms <= 15 and #sequence <= 15
end
local function unput(t, job, row)       -- off its place; the row stays
  if row.entry == 'later' then call('ZREM', K.later, t.id .. ' ' .. job) elseif is_entry(row.entry) then drop(row.place, row.entry) end
end
local function away(t, job, row)        -- off its place for good, row and slot too (I1, I17)
  unput(t, job, row)
  call('HDEL', rows_of(t), job)
  share(t, -1)
end
-- A held job as `take` and `resync` tell it, in the order in which verbs.py reads it; the token tells when it was put.
local function told(t, row, job, attempts, data, time_limit_s)
  return {row.token, t.id, t.kind, t.owner, data, time_limit_s, t.request_id or '', t.traceparent or '', job, t.parts, attempts, row.interruptions}
end
-- A job in `later` keeps its slot. Pauses double and are spread, so that retries do not come in step.
local function postpone(t, job, row, pause_ms, doublings)
  local pause = math.min(pause_ms * 2 ^ doublings, 300000) * (0.5 + clock[2] % 1000 / 1000)
  unput(t, job, row)
  write_row(t, job, t.priority .. '/later', row.attempts, row.interruptions, '-')
  call('ZADD', K.later, math.floor(now + pause), t.id .. ' ' .. job)
end

-- Waves: sizes first, 2·first, 4·first … up to largest, then largest (calc.kind.wave_bounds is the same closed form).
local function wave_bounds(t, wave)
  local start, size = 0, t.first_wave
  for k = 0, wave - 1 do
    if size >= t.largest_wave then start = start + (wave - k) * size; break end
    start = start + size
    size = math.min(2 * size, t.largest_wave)
  end
  return start, start + size
end
local function wave_of(t, part)
  local wave, start, size = 0, 0, t.first_wave
  while size < t.largest_wave and part >= start + size do
    wave = wave + 1; start = start + size; size = math.min(2 * size, t.largest_wave)
  end
  return wave + math.floor((part - start) / size)
end
local function wave_span(t, wave)       -- first part and end, cut at the last part
  local start, finish = wave_bounds(t, wave)
  return start, math.min(finish, t.parts)
end
-- The next wave to fold gets its one reduce job when all its partials are there (I3).
local function reduce_if_full(t)
  if t.stop then return end
  local start, finish = wave_span(t, t.folded)
  local stored = tonumber(call('HGET', K.partials(t.id), 'wave:' .. t.folded) or '0')
  if finish > start and stored == finish - start and call('HEXISTS', K.rows(t.id), 'r' .. t.folded) == 0 then
    again(t, 'r' .. t.folded, 0, 0)
    share(t, 1)
  end
end

local function ring_of(t) return K.ring(t.priority, t.owner) end
local function feedable(t, waiting)     -- waiting: how many rows it has, if that is known
  if t.parts == 1 then return t.state == 'queued' and (t.fresh or call('HEXISTS', K.task(t.id), 'p0') == 0) end
  waiting = waiting or redis.pcall('HLEN', K.rows(t.id))
  if type(waiting) ~= 'number' or t.unplanned then return false end   -- only `mend` can do something for it
  if t.stop then return waiting == 0 end                    -- for the job x, which makes the result
  local start, finish = wave_bounds(t, t.folded + 1)
  local folded_end = wave_bounds(t, t.folded)
  -- Without a bound ahead of the fold, one part that waits in `later` lets the partials grow with the task.
  return t.next < t.parts and t.next < math.max(finish, folded_end + 2 * t.window) and waiting < t.window
end
local joining = {}                      -- ring → tasks to be put at its tail before it is next fed
local function join(t)                  -- the ring of its owner, once
  touched[slot(t)] = touched[slot(t)] or t
  if t.ring == '1' or not feedable(t) then return end
  collect(joining, ring_of(t), t.id)
  if t.parts > 1 then call('HSET', K.task(t.id), 'ring', '1'); t.ring = '1' end
end
local function stand()
  for ring, ids in pairs(joining) do each_chunk(ids, 1000, function(...) call('RPUSH', ring, ...) end) end
  joining = {}
end
-- The next job of a task of many parts that stood at the head of the ring; so many when it stood there alone.
local function feed_next(t, most)
  call('HDEL', K.task(t.id), 'ring')
  t.ring = nil
  local waiting, fed, n = redis.pcall('HLEN', K.rows(t.id)), {}, 0
  if not feedable(t, waiting) then return end
  if t.stop then
    again(t, 'x', 0, 0)
    share(t, 1)
    return join(t)
  end
  repeat
    fed[2 * n + 1] = 'p' .. t.next
    fed[2 * n + 2] = enqueue(t, 'p' .. t.next, t.priority) .. ' 0 0 -'
    t.next = t.next + 1
    n = n + 1
  until n == most or not feedable(t, waiting + n)
  each_chunk(fed, 1000, function(...) call('HSET', K.rows(t.id), ...) end)
  t.next = call('HINCRBY', K.task(t.id), 'next', n)
  share(t, n)
  join(t)
end
-- The one job of a task of one part, with only the fields that it needs; false when the task is not of one part.
local function feed_whole(id, owner, place, stream, s)
  local key = K.task(id)
  local v = redis.pcall('HMGET', key, 'state', 'parts', 'p0', 'kind', 'request_id', 'traceparent')
  if v[2] ~= '1' then return false end
  if v[1] == 'queued' and not v[3] then
    local entry = entry_of(stream, id, 'p0', '1', v[4], owner, v[5], v[6])
    call('HSET', key, 'p0', place .. '/' .. entry .. ' 0 0 -')
    shares[s] = shares[s] + 1
  end
  return true
end
local bare = {}                         -- rings that are known to be empty
local function feed()                   -- every slot freed in this call is given on: ring not empty ⇒ share full (I17)
  local freed = {}
  for s, t in pairs(touched) do freed[#freed + 1] = {s, t} end
  stand()
  for _, pair in ipairs(freed) do
    local s, of = pair[1], pair[2]
    local ring, stream = ring_of(of), K.jobs(of.priority)
    while not bare[ring] and in_being(s) < SHARE do
      local free = SHARE - in_being(s)
      local ids = call('LPOP', ring, free)                  -- each takes one slot, or all when nobody else waits
      if not ids then break end
      for _, id in ipairs(ids) do
        if not feed_whole(id, of.owner, of.priority, stream, s) then
          local t = task(id)
          if live(t) then feed_next(t, #ids == 1 and free or 1) end
          if not t then collect(removes, K.index_owner(of.owner, 'queued'), id) end   -- a hand took the record
        end
      end
      stand()
    end
  end
end

local lives = {}                        -- result_ttl_s → ms until the record is forgotten, that time, ms until the key goes
local function life(ttl_s)
  local found = lives[ttl_s or '']
  if not found then
    local ttl_ms = (tonumber(ttl_s or '') or 86400) * 1000
    -- Should the sweeper be away, the key still goes.
    found = {forget_at = string.format('%d', now + ttl_ms), gone_ms = string.format('%d', ttl_ms + 60000)}
    lives[ttl_s or ''] = found
  end
  return found
end
-- The end of a task: one terminal state, written once (I4), with everything that follows from it.
local function settle(id, key, kind, owner, from, state, code, batch, submitted_at, started_at, ttl_s, estimated, ...)
  local its = life(ttl_s)
  call('HSET', key, 'state', state, 'finished_at', NOW, ...)
  call('PEXPIRE', key, its.gone_ms)
  local expiring = list_of(adds, K.expires)
  expiring[#expiring + 1] = its.forget_at
  expiring[#expiring + 1] = id .. ' ' .. kind .. ' ' .. owner .. ' ' .. state .. ' ' .. (batch or '-') .. ' ' .. (code ~= '' and code or '-')
  index(id, owner, from, state)
  if code ~= '' then collect(adds, K.index_error(code), '0', id) end
  event(id, state)
  count_end(kind, state, tonumber(submitted_at or ''), tonumber(started_at or ''))
  if state == 'succeeded' and started_at then count_error(kind, estimated, started_at) end
  return its.gone_ms
end
-- What carries a webhook has ended: a delivery is owed from this step on, whichever process dies (claim_webhooks.lua pays it).
-- `webhook` is a task's own URL, or `batch` and perhaps a URL behind it: then its batch is told when all of it has ended.
local function owed(id, owner, url, type, ...)
  call('DEL', K.webhook(id))            -- whatever a hand has put there
  call('HSET', K.webhook(id), 'state', 'pending', 'url', url, 'owner', owner, 'type', type, 'ended_at', NOW, ...)
  call('EXPIRE', K.webhook(id), 2592000)
  call('ZADD', K.webhooks, NOW, id .. ' ' .. owner)
end
local function owe_batch(batch)         -- once, when it is sealed (all of it was submitted) and all of it has ended
  local v = redis.pcall('HMGET', K.batch(batch), 'webhook', 'owner', 'sealed', 'told', 'label', 'accepted', 'succeeded', 'failed', 'cancelled')
  if not (v[1] and v[2] and v[3]) or v[4] then return end
  for i = 6, 9 do v[i] = tonumber(v[i] or '') or 0 end
  if v[7] + v[8] + v[9] < v[6] then return end
  call('HSET', K.batch(batch), 'told', '1')
  owed(batch, v[2], v[1], 'batch.finished', 'label', v[5] or '', 'succeeded', v[7], 'failed', v[8], 'cancelled', v[9])
end
local TOLD = {'kind', 'label', 'metadata', 'batch', 'custom_id', 'error'}
local function owe(id, webhook)
  local v, told = call('HMGET', K.task(id), 'owner', 'state', unpack(TOLD)), {}
  local batch, url = string.match(webhook, '^(batch) ?(.*)$')
  url = url or webhook
  for i, name in ipairs(TOLD) do
    if v[i + 2] then told[#told + 1] = name; told[#told + 1] = v[i + 2] end
  end
  if url ~= '' then owed(id, v[1], url, 'task.' .. v[2], unpack(told)) end
  if batch and v[6] and call('EXISTS', K.batch(v[6])) == 1 and type(redis.pcall('HINCRBY', K.batch(v[6]), v[2], 1)) == 'number' then
    owe_batch(v[6])
  end
end
local function final(t, state, code, ...)   -- takes all its jobs off by entry id (I11)
  local n = 0
  for job, row in pairs(rows(t)) do unput(t, job, row); n = n + 1 end
  if t.parts == 1 then call('HDEL', K.task(t.id), 'p0') else call('DEL', K.rows(t.id), K.partials(t.id)) end
  if t.state == 'scheduled' then call('ZREM', K.later, t.id) end
  if t.deadline then call('ZREM', K.later, t.id .. ' deadline') end
  if t.limit_at then call('ZREM', K.later, t.id .. ' limit') end
  local estimated = state == 'succeeded' and redis.pcall('HGET', K.task(t.id), 'estimated')
  local gone_ms = settle(t.id, K.task(t.id), t.kind, t.owner, t.state, state, code, t.batch, t.submitted_at, t.started_at, t.result_ttl_s, estimated, ...)
  if t.webhook then owe(t.id, t.webhook) end
  t.state = state
  if state ~= 'succeeded' then note(t.id, state .. (code ~= '' and ' ' .. code or '')) end
  call('PEXPIRE', K.history(t.id), gone_ms)
  if t.parts > 1 then call('PEXPIRE', K.curve(t.id), gone_ms) end
  share(t, -n)
end
local function bury(t, job, row, cause, code, letter)   -- letter: what only the dead letter tells
  call('XADD', K.dead, 'MAXLEN', '~', 10000, '*', 'task', t.id, 'kind', t.kind, 'job', job, 'attempts', row.attempts,
    'interruptions', row.interruptions, 'consumer', row.holder, 'cause', letter or cause)
  note(t.id, 'bury ' .. job)
  final(t, 'failed', code, 'error', cause)
end
-- End a task with what is folded: its parts go, and when no fold is under way the job x makes the result.
local function stop(t)
  if t.stop or not (live(t) or t.state == 'scheduled') then return t.stop and 'stopping' or t.state end
  local late = cjson.encode({code = 'deadline', message = 'The deadline came before any wave was folded.'})
  local under_way = false
  for job, row in pairs(t.parts > 1 and rows(t) or {}) do
    if string.sub(job, 1, 1) == 'r' then under_way = true end
  end
  if t.folded == 0 and not under_way then final(t, 'failed', 'deadline', 'error', late); return 'failed' end
  for job, row in pairs(rows(t)) do
    if string.sub(job, 1, 1) == 'p' then away(t, job, row) end
  end
  t.stop = tostring(now)
  call('HSET', K.task(t.id), 'stop', t.stop)
  note(t.id, 'stop')
  join(t)
  return 'stopping'
end
local function erase(id, kind, owner, state, batch, code)   -- a finished task and all its index members
  call('DEL', K.task(id), K.history(id), K.curve(id))
  collect(removes, K.index_state(state), id)
  collect(removes, K.index_owner(owner, state), id)
  collect(removes, K.index_kind(kind), id)
  if batch ~= '-' then collect(removes, K.index_batch(batch), id) end
  if code ~= '-' then collect(removes, K.index_error(code), id) end
  if state == 'failed' then collect(removes, K.index_retried, id) end
end
