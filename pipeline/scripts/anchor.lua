-- How far the audit reaches: its last line is written and on the disk. ARGV: -, -, seq, sha256, events, actions. Goes forward only; the last
-- line may have read further.
local known = call('HMGET', K.audithead, 'seq', 'sha256')
local seq = tonumber(known[1] or '0') or 0                  -- no number: a hand
if ARGV[3] + 0 < seq or (ARGV[3] + 0 == seq and known[2] and known[2] ~= ARGV[4]) then return 0 end
call('HSET', K.audithead, 'seq', ARGV[3], 'sha256', ARGV[4], 'events', ARGV[5], 'actions', ARGV[6], 'anchored_at', NOW)
return 1
