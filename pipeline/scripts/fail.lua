-- with: ledger work
-- End the task with an error. ARGV: share, consumer, token, task, job, child, ran_ms, code, error, letter | ''.
-- Answers ok or lost. Refused and Broke come here; only Broke leaves a dead letter.
local token, id, job, child, ran_ms, code, error, letter = unpack(ARGV, 3, 10)
local t = task(id)
local row = held(t, job, token)
if not row then return 'lost' end
admit()
span(id, job, child, ran_ms, code)
if letter == '' then final(t, 'failed', code, 'error', error) else bury(t, job, row, error, code, letter) end
return 'ok'
