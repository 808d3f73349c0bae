-- The five newest tasks of all states: their ids sort by time. KEYS: the indexes of the states.
local found = {}
for _, key in ipairs(KEYS) do
  for _, id in ipairs(redis.call("ZRANGE", key, 0, 4, "REV")) do found[#found + 1] = id .. " " .. string.match(key, "%a+$") end
end
table.sort(found, function(a, b) return a > b end)
return {unpack(found, 1, 5)}
