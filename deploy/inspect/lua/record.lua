-- A record without its long fields. KEYS: the record.
local out = {}
for _, field in ipairs(redis.call("HKEYS", KEYS[1])) do
  if field ~= "data" and field ~= "result" then out[#out + 1] = field .. " " .. redis.call("HGET", KEYS[1], field) end
end
table.sort(out)
return out
