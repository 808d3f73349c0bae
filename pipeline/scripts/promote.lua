-- with: ledger work
-- Put what is due in `later`: retried jobs, scheduled tasks; end what has a deadline or a time limit that is over. ARGV: share, -, how many. Answers how many.
local function seconds(ms) return string.format('%.1f', math.max(ms, 0) / 1000) end
local function overrun(t)
  local started_at = tonumber(t.started_at or '') or now
  final(t, 'failed', 'task_time_limit', 'error', cjson.encode({code = 'task_time_limit', message = 'The task had run for '
    .. seconds(now - started_at) .. ' s and may run for ' .. seconds((tonumber(t.limit_at or '') or now) - started_at) .. ' s.'}))
end
local due = call('ZRANGEBYSCORE', K.later, '-inf', now, 'LIMIT', 0, ARGV[3])
if #due > 0 then admit() end
for _, member in ipairs(due) do
  call('ZREM', K.later, member)
  local id, job = string.match(member, '^(%S+) (%S+)$')
  local t = task(id or member)
  if job == 'deadline' then
    if t then stop(t) end
  elseif job == 'limit' then
    if t and t.state == 'running' then overrun(t) end
  elseif job then
    local row = live(t) and row_of(t, job)
    if row and row.entry == 'later' then again(t, job, row.attempts, row.interruptions) end
  elseif t and t.state == 'scheduled' then
    call('HSET', K.task(t.id), 'state', 'queued')
    index(t.id, t.owner, 'scheduled', 'queued')
    event(t.id, 'queued')
    t.state = 'queued'
    join(t)
  end
end
return #due
