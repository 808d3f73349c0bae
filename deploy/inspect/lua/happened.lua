-- What has happened to a task, the oldest first. KEYS: events. ARGV: task.
local out = {}
for _, entry in ipairs(redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 5000)) do
  local f = entry[2]
  for i = 1, #f, 2 do
    if f[i] == ARGV[1] then table.insert(out, 1, entry[1] .. " " .. f[i + 1]) end
  end
end
return out
