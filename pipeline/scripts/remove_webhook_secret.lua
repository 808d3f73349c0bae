-- with: actions secrets
-- Remove a secret. ARGV: -, -, owner, id, by, request_id. Answers how many there were.
local kept = call('HGET', K.webhook_secrets, ARGV[3])
local left, removed = {}, 0
for _, secret in ipairs(secrets_in(kept)) do
  if secret.id == ARGV[4] then removed = 1 else left[#left + 1] = secret end
end
if #left == 0 then call('HDEL', K.webhook_secrets, ARGV[3]) else call('HSET', K.webhook_secrets, ARGV[3], cjson.encode(left)) end
if removed == 1 then acted('webhook_secret.remove', ARGV[5], ARGV[6], 'secret_id', ARGV[4], 'owner', ARGV[3]) end
return removed
