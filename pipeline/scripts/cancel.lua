-- with: ledger work actions
-- The client gives a task up. ARGV: share, -, task, by, request_id, reason. Answers ok, unknown, or the final state it already has (I4).
local t = task(ARGV[3])
if not t then return 'unknown' end
if not (live(t) or t.state == 'scheduled') then return t.state end
admit()
local was = t.state
give_up(t, ARGV[6])
acted('task.cancel', ARGV[4], ARGV[5], 'task', t.id, 'kind', t.kind, 'owner', t.owner, 'state', was, 'reason', ARGV[6] or '')
return 'ok'
