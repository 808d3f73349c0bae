-- with: ledger work
-- End a task that was stopped early. ARGV: share, consumer, token, task, job, child, ran_ms, result. Answers ok or lost.
local token, id, job, child, ran_ms, result = unpack(ARGV, 3, 8)
local t = task(id)
if not held(t, job, token) then return {'lost'} end
admit()
span(id, job, child, ran_ms, 'done')
final(t, 'succeeded', '', 'result', result)
return {'ok'}
