-- with: ledger work guard
-- Read jobs and begin them in one step: no job is ever held and not begun (I7, I12).
-- ARGV: share, consumer, how many, attempts allowed, task_limit_ms, priorities in order, then tasks whose data the consumer knows.
-- Answers: now; the jobs; when there were fewer than asked for, the last id of each stream, to sleep on; and how many entries stood in
-- the streams that were read.
local left, max_attempts, task_limit_ms, known = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), {}
for i = 7, #ARGV do known[ARGV[i]] = true end
local taken = {}
-- A task of one part, begun for the first time: nearly all jobs of a busy day. Its row names this entry, so the entry is
-- ours, and what it says of the task is so. Only what it does not say is read.
local function begin_whole(token, words)
  local id, kind, owner = words[2], words[8], words[10]
  local key = K.task(id)
  local v = redis.pcall('HMGET', key, 'p0', 'state', 'data', 'time_limit_s')
  if v[1] ~= token .. ' 0 0 -' or v[2] ~= 'queued' or not (v[3] and kind and owner) then return false end
  call('HSET', key, 'p0', token .. ' 1 0 ' .. ME, 'state', 'running', 'attempts', '1', 'started_at', NOW, 'consumer', ME)
  index(id, owner, 'queued', 'running')
  event(id, 'running')
  taken[#taken + 1] = {token, id, kind, owner, v[3], v[4], words[12], words[14]}
  return true
end
local function begin(place, entry, words)
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
    for _, word in ipairs({'state', 'running', 'started_at', NOW, 'consumer', ME}) do fields[#fields + 1] = word end
    index(id, t.owner, 'queued', 'running')
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
local paused, filled, standing = {}, {}, 0      -- priority → true; place → is there an entry?
for _, priority in ipairs(call('HKEYS', K.paused)) do paused[priority] = true end
for priority in string.gmatch(ARGV[6], '%a+') do
  for _, place in ipairs(paused[priority] and {} or {priority .. ':again', priority}) do
    local there = left > 0 and call('XLEN', K.jobs(place)) or 0           -- asking this is cheaper than reading nothing
    filled[place], standing = there > 0, standing + there
    -- COUNT is per stream: one stream at a time, with what is left.
    local got = filled[place] and call('XREADGROUP', 'GROUP', G, ME, 'COUNT', left, 'STREAMS', K.jobs(place), '>')
    for _, read in ipairs(got and got[1][2] or {}) do
      local entry, words = read[1], read[2]
      left = left - 1
      if words[6] ~= '1' or not begin_whole(place .. '/' .. entry, words) then begin(place, entry, words) end
    end
  end
end
local wake = {}
if left > 0 then
  for i, place in ipairs(PLACES) do
    local last = filled[place] ~= false and call('XREVRANGE', K.jobs(place), '+', '-', 'COUNT', 1)[1]
    wake[i] = last and last[1] or '0-0'
  end
end
return {now, taken, wake, standing}
