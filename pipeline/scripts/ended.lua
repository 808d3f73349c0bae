-- Tasks of a batch that have ended, in order of their lines. ARGV: -, -, batch, cursor, how many to look at, most bytes.
-- Answers the cursor ('' at the end) and for each: id, custom_id, kind, state, result, error. Bounded in tasks and bytes (I16).
local batch, cursor, most, left = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local out = {}
local ids = call('ZRANGEBYLEX', K.index_batch(batch), cursor == '' and '-' or '(' .. cursor, '+', 'LIMIT', 0, most)
for _, id in ipairs(ids) do
  if left <= 0 then return {cursor, out} end
  local v = redis.pcall('HMGET', K.task(id), 'custom_id', 'kind', 'state', 'result', 'error')
  cursor = id
  if v[3] == 'succeeded' or v[3] == 'failed' or v[3] == 'cancelled' then
    out[#out + 1] = {id, v[1] or '', v[2], v[3], v[4], v[5]}
    left = left - #(v[4] or '') - 100
  end
end
return {#ids < most and '' or cursor, out}
