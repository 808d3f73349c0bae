-- Jobs whose holder has not renewed them for so long. KEYS: job streams. ARGV: group, ms.
local out = {}
for _, key in ipairs(KEYS) do
  for _, p in ipairs(redis.call("XPENDING", key, ARGV[1], "IDLE", ARGV[2], "-", "+", 20)) do
    out[#out + 1] = key .. " " .. p[1] .. " of " .. p[2] .. ", silent for " .. p[3] .. " ms"
  end
end
return out
