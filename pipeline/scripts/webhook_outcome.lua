-- What came of a try. ARGV: -, -, id, claim, delivered | given_up | later | not_tried, status ('' for none), error, ms until the
-- next attempt. Answers ok, or lost: somebody else has claimed it since, or its record has gone; then it changes nothing.
local id, outcome, status, wrong = ARGV[3], ARGV[5], ARGV[6], ARGV[7]
local key = K.webhook(id)
local v = redis.pcall('HMGET', key, 'state', 'claim', 'owner', 'attempts', 'url', 'type')
if v[2] ~= ARGV[4] then return 'lost' end
if v[1] ~= 'pending' then return v[1] == outcome and 'ok' or 'lost' end     -- it was said before
local member = id .. ' ' .. v[3]
call('ZREM', K.webhooks, member)        -- first a write that needs no memory: a full Redis lets the rest follow
if outcome == 'not_tried' then          -- a polite stop: it costs no attempt
  call('HINCRBY', key, 'attempts', -1)
  call('HINCRBY', key, 'claim', 1)
  call('ZADD', K.webhooks, NOW, member)
  return 'ok'
end
call('HSET', key, 'last_at', NOW, 'last_status', status, 'last_error', wrong)
if outcome == 'later' then
  call('HSET', key, 'next_at', now + ARGV[8])
  call('ZADD', K.webhooks, now + ARGV[8], member)
  return 'ok'
end
call('HSET', key, 'state', outcome, 'over_at', NOW)
call('HDEL', key, 'next_at')
call('EXPIRE', key, 604800)
if outcome == 'given_up' then
  call('XADD', K.undelivered, 'MAXLEN', '~', 10000, '*', 'id', id, 'owner', v[3], 'type', v[6], 'url', v[5], 'attempts', v[4], 'status', status,
    'error', wrong)
end
return 'ok'
