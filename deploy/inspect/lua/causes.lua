-- Failed tasks by kind and error code. KEYS: the index of failed tasks, what a record's key begins with.
local times, out = {}, {}
for _, id in ipairs(redis.call("ZRANGE", KEYS[1], 0, 999, "REV")) do
  local r = redis.call("HMGET", KEYS[2] .. id, "kind", "error")
  if r[2] then
    local cause = r[1] .. " " .. cjson.decode(r[2]).code
    times[cause] = (times[cause] or 0) + 1
  end
end
for cause, n in pairs(times) do out[#out + 1] = cause .. " " .. n end
table.sort(out)
return out
