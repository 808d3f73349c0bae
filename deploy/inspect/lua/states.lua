-- KEYS: the indexes of the states.
local out = {}
for _, key in ipairs(KEYS) do out[#out + 1] = string.match(key, "%a+$") .. " " .. redis.call("ZCARD", key) end
return out
