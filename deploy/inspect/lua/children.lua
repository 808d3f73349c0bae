-- KEYS: a job stream, what a heartbeat's key begins with. ARGV: group; how long a job must have run, -1 for idle children too.
local t = redis.call("TIME")
local now, least, out = t[1] * 1000 + math.floor(t[2] / 1000), tonumber(ARGV[2]), {}
for _, known in ipairs(redis.call("XINFO", "CONSUMERS", KEYS[1], ARGV[1])) do
  for n = 0, (redis.call("HGET", KEYS[2] .. known[2], "children") or 0) - 1 do
    local child = cjson.decode(redis.call("HGET", KEYS[2] .. known[2], "child:" .. n))
    local who = known[2] .. " child " .. n .. " pid " .. child.pid .. " "
    local ran = child.since and now - child.since or -1
    if ran >= least then
      out[#out + 1] = who .. (child.task and child.kind .. " " .. child.task .. " " .. child.job .. " for " .. ran .. " ms" or "idle")
    end
  end
end
return out
