-- Whose tasks these are, and of which kind. ARGV: -, -, tasks. Answers '' where there is no record.
local out = {}
for i = 3, #ARGV do
  local v = redis.pcall('HMGET', K.task(ARGV[i]), 'owner', 'kind')
  out[#out + 1] = {v[1] or '', v[2] or ''}
end
return out
