-- The counters of some minutes, without the histograms. KEYS: minutes.
local out = {}
for _, key in ipairs(KEYS) do
  local f = redis.call("HGETALL", key)
  for i = 1, #f, 2 do
    if not string.find(f[i], ":%d+$") then out[#out + 1] = string.match(key, "%d+$") .. " " .. f[i] .. " " .. f[i + 1] end
  end
end
table.sort(out)
return out
