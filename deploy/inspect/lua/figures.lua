-- What each consumer has done since its start. KEYS: a job stream, what a heartbeat's key begins with. ARGV: group.
local out = {}
for _, known in ipairs(redis.call("XINFO", "CONSUMERS", KEYS[1], ARGV[1])) do
  local told = redis.call("HGET", KEYS[2] .. known[2], "figures")
  if told then
    local figures = cjson.decode(told)
    for _, row in ipairs(figures.jobs or {}) do
      out[#out + 1] = known[2] .. " " .. row[1] .. " " .. row[2] .. " " .. row[3] .. " jobs, " .. row[4] .. " s, CPU " .. row[5] .. " s"
    end
    for why, n in pairs(figures.ended or {}) do out[#out + 1] = known[2] .. " children " .. why .. " " .. n end
  end
end
table.sort(out)
return out
