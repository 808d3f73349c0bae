-- with: ledger work
-- The task's time is over. ARGV: share, -, task. Answers unknown, stopping, failed, or its state.
local t = task(ARGV[3])
if not t then return 'unknown' end
admit()
return stop(t)
