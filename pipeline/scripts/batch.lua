-- A batch, and how many of its tasks are in each state. ARGV: -, -, batch, states. Nil when there is no record of it.
local batch = ARGV[3]
local v = redis.pcall('HMGET', K.batch(batch), 'owner', 'label', 'created_at', 'lines', 'rejected', 'accepted', 'webhook')
if not (v[1] and v[2] and v[3] and v[4] and v[5] and v[6]) then return nil end
for i = 4, #ARGV do v[i + 4] = call('ZINTERCARD', 2, K.index_batch(batch), K.index_owner(v[1], ARGV[i])) end
return v
