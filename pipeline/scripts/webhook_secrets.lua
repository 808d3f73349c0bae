-- with: secrets
-- The secrets that exist, without their text. ARGV: -, -, owner or '' for all. Answers owner and JSON, in turn.
local owners = ARGV[3] == '' and call('HKEYS', K.webhook_secrets) or {ARGV[3]}
local out = {}
for _, owner in ipairs(owners) do
  local kept = call('HGET', K.webhook_secrets, owner)
  local secrets = secrets_in(kept)
  for _, secret in ipairs(secrets) do secret.text = nil end
  if #secrets > 0 then out[#out + 1] = owner; out[#out + 1] = cjson.encode(secrets) end
end
return out
