-- Who computed the jobs of a task, the oldest first, among the newest 2,000 jobs of all. KEYS: spans. ARGV: task.
local out, id, left, from = {}, ARGV[1] .. " ", 2000, "+"
while left > 0 do
  local page = redis.call("XREVRANGE", KEYS[1], from, "-", "COUNT", 10)
  if #page == 0 then break end
  for _, entry in ipairs(page) do
    local f = entry[2]
    for i = 3, #f, 2 do
      if string.sub(f[i], 1, #id) == id then
        table.insert(out, 1, string.sub(f[i], #id + 1) .. " " .. f[2] .. " " .. f[i + 1])
      end
    end
    left, from = left - (#f - 2) / 2, "(" .. entry[1]
  end
end
return out
