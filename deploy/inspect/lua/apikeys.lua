-- KEYS: apikeys. What is kept of a key is no secret, but nobody need read its hash.
local out, kept = {}, redis.call("HGETALL", KEYS[1])
for i = 1, #kept, 2 do
  local key = cjson.decode(kept[i + 1])
  out[#out + 1] = kept[i] .. " " .. key.role .. " of " .. key.owner .. (key.label ~= "" and ", " .. key.label or "")
end
table.sort(out)
return out
