-- Owners and the ids of the secrets that sign their webhooks. KEYS: webhook_secrets.
local out, kept = {}, redis.call("HGETALL", KEYS[1])
for i = 1, #kept, 2 do
  for _, secret in ipairs(cjson.decode(kept[i + 1])) do out[#out + 1] = kept[i] .. " " .. secret.id end
end
table.sort(out)
return out
