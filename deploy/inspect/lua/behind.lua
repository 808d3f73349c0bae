-- KEYS: shares, and what a ring's key begins with: a field of shares is the rest of it.
local out = {}
for _, slot in ipairs(redis.call("HKEYS", KEYS[1])) do
  out[#out + 1] = slot .. " jobs in being " .. redis.call("HGET", KEYS[1], slot) .. ", tasks behind " .. redis.call("LLEN", KEYS[2] .. slot)
end
table.sort(out)
return out
