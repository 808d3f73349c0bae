-- with: ledger work
-- Put what is due in `later`: retried jobs, scheduled tasks, deadlines. ARGV: share, -, how many. Answers how many.
local due = call('ZRANGEBYSCORE', K.later, '-inf', now, 'LIMIT', 0, ARGV[3])
if #due > 0 then admit() end
for _, member in ipairs(due) do
  call('ZREM', K.later, member)
  local id, job = string.match(member, '^(%S+) (%S+)$')
  local t = task(id or member)
  if job == 'deadline' then
    if t then stop(t) end
  elseif job then
    local row = live(t) and row_of(t, job)
    if row and row.entry == 'later' then again(t, job, row.attempts, row.interruptions) end
  elseif t and t.state == 'scheduled' then
    call('HSET', K.task(t.id), 'state', 'queued')
    index(t, 'scheduled', 'queued')
    event(t.id, 'queued')
    t.state = 'queued'
    join(t)
  end
end
return #due
