-- Dead letters by kind and cause. KEYS: dead.
local times, out = {}, {}
for _, entry in ipairs(redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 1000)) do
  local h = {}
  for i = 1, #entry[2], 2 do h[entry[2][i]] = entry[2][i + 1] end
  local cause = h.kind .. " " .. cjson.decode(h.cause).code
  times[cause] = (times[cause] or 0) + 1
end
for cause, n in pairs(times) do out[#out + 1] = cause .. " " .. n end
table.sort(out)
return out
