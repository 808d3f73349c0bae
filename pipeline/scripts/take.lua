-- with: ledger work guard
-- Read jobs and begin them in one step: no job is ever held and not begun (I7, I12).
-- ARGV: share, consumer, how many, attempts allowed, task_limit_ms, priorities in order, then tasks whose data the consumer knows.
-- Answers: the jobs; and, when there were fewer than asked for, the last id of each stream, to sleep on.
local left, max_attempts, task_limit_ms, known = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), {}
for i = 7, #ARGV do known[ARGV[i]] = true end
local taken = {}
-- A task of one part, begun for the first time: nearly all jobs of a busy day. It reads only the fields that it needs.
local function begin_whole(place, entry, words)
  local id = words[2]
  local v = redis.pcall('HMGET', K.task(id), 'p0', 'state', 'data', 'time_limit_s', 'owner', 'kind', 'request_id', 'traceparent')
  local row = parse(v[1])
  local token = place .. '/' .. entry
  if not row or row.token ~= token or row.attempts > 0 or v[2] ~= 'queued' or not (v[3] and v[5] and v[6]) then return false end
  call('HSET', K.task(id), 'p0', token .. ' 1 ' .. row.interruptions .. ' ' .. ME, 'state', 'running', 'attempts', 1,
    'started_at', now, 'consumer', ME)
  local t = {id = id, parts = 1, owner = v[5], kind = v[6], request_id = v[7] or nil, traceparent = v[8] or nil}
  index(t, 'queued', 'running')
  event(id, 'running')
  taken[#taken + 1] = told(t, row, 'p0', 1, v[3], v[4])
  return true
end
local function begin(place, entry, words)
  if words[6] == '1' and begin_whole(place, entry, words) then return end
  local t, job, row = named(place, entry, words)
  if not t then return end
  local id = t.id
  local more = call('HMGET', K.task(id), 'time_limit_s', known[id] and '' or 'data')
  if not (more[2] or known[id]) then return lose(t, 'the data') end
  local twice = row.holder ~= '-'                           -- read again after its group was lost: the same start (I12)
  if row.attempts >= max_attempts and not twice then
    return bury(t, job, row, cjson.encode({code = 'attempts_spent', message = 'All attempts of job ' .. job .. ' are spent.'}), 'attempts_spent')
  end
  local attempts, fields = row.attempts + (twice and 0 or 1), {}
  local begun = row.token .. ' ' .. attempts .. ' ' .. row.interruptions .. ' ' .. ME
  if attempts > tonumber(t.attempts or '0') then fields = {'attempts', attempts}; t.attempts = attempts end
  if t.parts == 1 then fields[#fields + 1] = 'p0'; fields[#fields + 1] = begun else call('HSET', K.rows(id), job, begun) end
  if t.state == 'queued' then
    for _, word in ipairs({'state', 'running', 'started_at', now, 'consumer', ME}) do fields[#fields + 1] = word end
    index(t, 'queued', 'running')
    event(id, 'running')
    t.state = 'running'
    t.started_at = now
  end
  if not t.limit_at then                                    -- of one part only from the second start on: the first has its own
    t.limit_at = (tonumber(t.started_at or '') or now) + task_limit_ms
    fields[#fields + 1] = 'limit_at'; fields[#fields + 1] = t.limit_at
    call('ZADD', K.later, t.limit_at, id .. ' limit')
  end
  if #fields > 0 then call('HSET', K.task(id), unpack(fields)) end
  taken[#taken + 1] = told(t, row, job, attempts, more[2], more[1])
end
local paused = {}
for _, priority in ipairs(call('HKEYS', K.paused)) do paused[priority] = true end
for priority in string.gmatch(ARGV[6], '%a+') do
  for _, place in ipairs(paused[priority] and {} or {priority .. ':again', priority}) do
    -- COUNT is per stream: one stream at a time, with what is left.
    local got = left > 0 and call('XREADGROUP', 'GROUP', G, ME, 'COUNT', left, 'STREAMS', K.jobs(place), '>')
    for _, read in ipairs(got and got[1][2] or {}) do
      left = left - 1
      begin(place, read[1], read[2])
    end
  end
end
local wake = {}
if left > 0 then
  for i, place in ipairs(PLACES) do
    local last = call('XREVRANGE', K.jobs(place), '+', '-', 'COUNT', 1)[1]
    wake[i] = last and last[1] or '0-0'
  end
end
return {taken, wake}
