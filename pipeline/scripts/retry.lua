-- with: ledger work
-- The job died or ran out of time. ARGV: share, consumer, token, task, job, child, ran_ms, code, cause, pause_ms, attempts allowed.
-- Answers later, buried or lost.
local token, id, job, child, ran_ms, code, cause, pause_ms, max_attempts = unpack(ARGV, 3, 11)
local t = task(id)
local row = held(t, job, token)
if not row then return 'lost' end
admit()
span(id, job, child, ran_ms, code)
if row.attempts >= tonumber(max_attempts) then
  bury(t, job, row, cause, code)
  return 'buried'
end
postpone(t, job, row, tonumber(pause_ms), row.attempts - 1)
note(id, 'retry ' .. job .. ' after attempt ' .. row.attempts .. ' ' .. code)
event(id, 'retry ' .. job)
count(t.kind .. ':retried')
return 'later'
