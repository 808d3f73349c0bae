-- KEYS: job streams. ARGV: group.
local out = {}
for _, key in ipairs(KEYS) do
  local held = redis.call("XPENDING", key, ARGV[1])[1]
  out[#out + 1] = key .. " waiting " .. redis.call("XLEN", key) - held .. " held " .. held
end
return out
