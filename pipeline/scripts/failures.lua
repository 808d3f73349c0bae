-- Failed tasks, those submitted last first. ARGV: -, -, owner or '', cursor ('' for the newest), how many.
-- Answers the cursor ('' at the end) and {task, kind, error, finished_at, retried_by} of each that has a record.
local key = ARGV[3] == '' and K.index_state('failed') or K.index_owner(ARGV[3], 'failed')
local ids = call('ZREVRANGEBYLEX', key, ARGV[4] == '' and '+' or '(' .. ARGV[4], '-', 'LIMIT', 0, ARGV[5])
local out = {}
for _, id in ipairs(ids) do
  local v = redis.pcall('HMGET', K.task(id), 'kind', 'error', 'finished_at', 'retried_by')
  if v[1] and v[2] and v[3] then out[#out + 1] = {id, v[1], v[2], v[3], v[4] or ''} end
end
return {#ids == tonumber(ARGV[5]) and ids[#ids] or '', out}
