-- Claim deliveries that are due, each for one try. ARGV: -, -, lease_ms, how many, most of one owner at a time, ms by which those
-- are put off whose owner has as many (once more for each as many), then owner and how many of his are under way. Answers now, and for each: id, claim,
-- secrets of its owner, fields. Its score is the lease: who dies leaves it due again, and the claim is the token (as an entry
-- id is a job's): attempts go back when a try is not made, a claim never does.
local under_way, put_off, out = {}, {}, {}
for i = 7, #ARGV, 2 do under_way[ARGV[i]] = tonumber(ARGV[i + 1]) end
for _, member in ipairs(call('ZRANGEBYSCORE', K.webhooks, '-inf', now, 'LIMIT', 0, 500)) do
  if #out >= tonumber(ARGV[4]) then break end
  local id, owner = string.match(member, '^([%w_-]+) (%S+)$')
  if not id or redis.pcall('HGET', K.webhook(id), 'state') ~= 'pending' then
    call('ZREM', K.webhooks, member)                        -- a hand was there, or it has stood for 30 days
  elseif (under_way[owner] or 0) >= tonumber(ARGV[5]) then
    put_off[owner] = (put_off[owner] or 0) + 1 / ARGV[5]    -- so that others' stand before it, and it is not looked at for nothing
    call('ZADD', K.webhooks, math.floor(now + ARGV[6] * (1 + put_off[owner])), member)
  else
    under_way[owner] = (under_way[owner] or 0) + 1
    call('ZADD', K.webhooks, now + ARGV[3], member)
    call('HINCRBY', K.webhook(id), 'attempts', 1)
    local claim = call('HINCRBY', K.webhook(id), 'claim', 1)
    out[#out + 1] = {id, claim, call('HGET', K.webhook_secrets, owner), call('HGETALL', K.webhook(id))}
  end
end
return {now, out}
