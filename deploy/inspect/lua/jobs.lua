-- Who computed the jobs of a task, the oldest first. KEYS: spans. ARGV: task.
local out, id = {}, ARGV[1] .. " "
for _, entry in ipairs(redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 5000)) do
  local f = entry[2]
  for i = 3, #f, 2 do
    if string.sub(f[i], 1, #id) == id then
      table.insert(out, 1, string.sub(f[i], #id + 1) .. " " .. f[2] .. " " .. f[i + 1])
    end
  end
end
return out
