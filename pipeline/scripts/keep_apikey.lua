-- with: actions
-- Keep a new API key. ARGV: -, -, id, JSON, by. Answers 1, or 0 when there is one of this id already.
local new = call('HSETNX', K.apikeys, ARGV[3], ARGV[4])
local key = cjson.decode(ARGV[4])
if new == 1 then acted('key.make', ARGV[5], '', 'key_id', ARGV[3], 'role', key.role, 'owner', key.owner) end
return new
