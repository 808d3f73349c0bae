-- with: actions
-- Remove an API key. ARGV: -, -, id, by. Answers how many there were.
local gone = call('HDEL', K.apikeys, ARGV[3])
if gone == 1 then acted('key.remove', ARGV[4], '', 'key_id', ARGV[3]) end
return gone
