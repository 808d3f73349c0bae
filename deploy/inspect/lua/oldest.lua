-- The first entry that nobody was given, and how long it is there. KEYS: job streams.
local t = redis.call("TIME")
local now, out = t[1] * 1000 + math.floor(t[2] / 1000), {}
for _, key in ipairs(KEYS) do
  local group = redis.call("XINFO", "GROUPS", key)[1]
  for i = 1, #group, 2 do
    if group[i] == "last-delivered-id" then
      local entry = redis.call("XRANGE", key, "(" .. group[i + 1], "+", "COUNT", 1)[1]
      if entry then out[#out + 1] = key .. " " .. now - string.match(entry[1], "%d+") .. " ms" end
    end
  end
end
return out
