-- Begin a batch, before its tasks. ARGV: -, -, batch, owner, label, lines, rejected, ttl_s, key, sha256, ttl_s of the key,
-- backlog limit, unfinished limit (0: none), all | any, webhook or '', then priority and count. Answers {new, batch}, {replay | mismatch,
-- what the key made before}, {full, priority} or {quota, owner}: there is no room for all of its tasks, or for any. Then, and
-- when it is sent again, it changes nothing.
local batch, owner, key, limit, most, needs = ARGV[3], ARGV[4], ARGV[9], tonumber(ARGV[12]), tonumber(ARGV[13]), ARGV[14]
if call('EXISTS', K.batch(batch)) == 1 then return {'new', batch} end
if key ~= '' then
  local stored = call('HMGET', K.same(owner, key), 'batch', 'sha256', 'task')
  if stored[1] then return {stored[2] == ARGV[10] and 'replay' or 'mismatch', stored[1]} end
  if stored[3] then return {'mismatch', stored[3]} end
end
local full, room
local unfinished = needs == 'all' and 0 or 1
for i = 16, #ARGV, 2 do
  local free = limit - call('LLEN', K.ring(ARGV[i], owner))
  if free < (needs == 'all' and tonumber(ARGV[i + 1]) or 1) then full = full or ARGV[i] else room = true end
  if needs == 'all' then unfinished = unfinished + ARGV[i + 1] end
end
if most > 0 then
  for _, state in ipairs({'scheduled', 'queued', 'running'}) do unfinished = unfinished + call('ZCARD', K.index_owner(owner, state)) end
  if unfinished > most then return {'quota', owner} end
end
if full and (needs == 'all' or not room) then return {'full', full} end
if key ~= '' then
  call('HSET', K.same(owner, key), 'batch', batch, 'sha256', ARGV[10])
  call('EXPIRE', K.same(owner, key), ARGV[11])
end
call('HSET', K.batch(batch), 'owner', owner, 'label', ARGV[5], 'created_at', NOW, 'lines', ARGV[6], 'rejected', ARGV[7], 'accepted', '0')
if ARGV[15] ~= '' then call('HSET', K.batch(batch), 'webhook', ARGV[15]) end
call('EXPIRE', K.batch(batch), ARGV[8])
for _, whose in ipairs({owner, '*'}) do  -- '*': of everyone (pipeline/apikeys.py)
  call('ZREMRANGEBYSCORE', K.index_batches(whose), '-inf', now)
  call('ZADD', K.index_batches(whose), now + ARGV[8] * 1000, batch)
end
return {'new', batch}
