-- I2, I3, I12: running tasks of many parts. KEYS: the index of running tasks, what a record's key begins with. ARGV: what a key of rows ends with.
local seen, out = 0, {}
for _, id in ipairs(redis.call("ZRANGE", KEYS[1], 0, 199)) do
  local v = redis.call("HMGET", KEYS[2] .. id, "parts", "next", "done", "folded", "stop")
  local rows, parts = redis.call("HGETALL", KEYS[2] .. id .. ARGV[1]), 0
  for i = 1, #rows, 2 do
    local sort, n = string.match(rows[i], "^(%a)(%d*)$")
    parts = parts + (sort == "p" and 1 or 0)
    if sort == "r" and n ~= v[4] then out[#out + 1] = id .. ": " .. rows[i] .. " is to be folded after " .. v[4] .. " waves" end
    if string.match(rows[i + 1], " 0 %d+ [^-]") then out[#out + 1] = id .. ": " .. rows[i] .. " is held and was not counted" end
  end
  if v[1] and v[1] ~= "1" then
    seen = seen + 1
    if not v[5] and v[2] - v[3] ~= parts then out[#out + 1] = id .. ": " .. v[2] .. " parts issued, " .. v[3] .. " done, " .. parts .. " in being" end
  end
end
table.insert(out, 1, #out .. " wrong of " .. seen)
return out
