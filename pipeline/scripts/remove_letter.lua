-- with: actions
-- Remove a dead letter. ARGV: -, -, its id, by, request_id. Answers how many there were.
local gone = call('XDEL', K.dead, ARGV[3])
if gone == 1 then acted('letter.remove', ARGV[4], ARGV[5], 'letter_id', ARGV[3]) end
return gone
