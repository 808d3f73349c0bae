-- What is kept of a task's parts: the largest first. KEYS: its partials.
local out = {}
for _, field in ipairs(redis.call("HKEYS", KEYS[1])) do
  out[#out + 1] = string.format("%9d bytes ", redis.call("HSTRLEN", KEYS[1], field)) .. field
end
table.sort(out, function(a, b) return a > b end)
return {unpack(out, 1, 24)}
