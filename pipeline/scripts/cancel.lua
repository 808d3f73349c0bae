-- with: ledger work
-- The client gives a task up. ARGV: share, -, task. Answers ok, unknown, or the final state it already has (I4).
local t = task(ARGV[3])
if not t then return 'unknown' end
if not (live(t) or t.state == 'scheduled') then return t.state end
admit()
final(t, 'cancelled', '')
return 'ok'
