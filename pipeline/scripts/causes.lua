-- Why these tasks failed. ARGV: -, -, tasks. Answers {kind, error, finished_at}, or '' where there is no record.
local out = {}
for i = 3, #ARGV do
  local v = redis.pcall('HMGET', K.task(ARGV[i]), 'kind', 'error', 'finished_at')
  out[#out + 1] = v[1] and v[2] and v[3] and {v[1], v[2], v[3]} or ''
end
return out
