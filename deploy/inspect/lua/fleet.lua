-- KEYS: a job stream, what a heartbeat's key begins with. ARGV: group.
local t = redis.call("TIME")
local now, out = t[1] * 1000 + math.floor(t[2] / 1000), {}
for _, known in ipairs(redis.call("XINFO", "CONSUMERS", KEYS[1], ARGV[1])) do
  local h = redis.call("HMGET", KEYS[2] .. known[2], "host", "pid", "version", "children", "beat_at")
  if h[1] then
    out[#out + 1] = known[2] .. " on " .. h[1] .. " pid " .. h[2] .. ", version " .. h[3] .. ", " .. h[4] .. " children, beat "
      .. now - h[5] .. " ms ago"
  else
    out[#out + 1] = known[2] .. " has no heartbeat"
  end
end
return out
