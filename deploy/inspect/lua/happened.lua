-- What has happened to a task, the oldest first, among the newest 2,000 changes of all. KEYS: events. ARGV: task.
local out, left, from = {}, 2000, "+"
while left > 0 do
  local page = redis.call("XREVRANGE", KEYS[1], from, "-", "COUNT", 10)
  if #page == 0 then break end
  for _, entry in ipairs(page) do
    local f = entry[2]
    for i = 1, #f, 2 do
      if f[i] == ARGV[1] then table.insert(out, 1, entry[1] .. " " .. f[i + 1]) end
    end
    left, from = left - #f / 2, "(" .. entry[1]
  end
end
return out
