-- with: actions
-- Deliver once more, from the first attempt on. ARGV: -, -, id, by, request_id. Answers 1, or 0 when there is no record of it.
local key = K.webhook(ARGV[3])
local owner = redis.pcall('HGET', key, 'owner')
if type(owner) ~= 'string' then return 0 end
call('HSET', key, 'state', 'pending', 'attempts', '0', 'next_at', NOW)
call('HDEL', key, 'over_at')
call('HINCRBY', key, 'claim', 1)        -- who tries it now has lost it
call('EXPIRE', key, 2592000)
call('ZADD', K.webhooks, NOW, ARGV[3] .. ' ' .. owner)
acted('webhook.redeliver', ARGV[4], ARGV[5], 'task', ARGV[3], 'owner', owner)
return 1
