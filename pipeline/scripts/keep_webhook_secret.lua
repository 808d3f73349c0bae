-- with: actions secrets
-- Keep a new secret before the one that an owner has: both sign from now on, an older third goes. ARGV: -, -, owner, id, text, by,
-- request_id.
local kept = call('HGET', K.webhook_secrets, ARGV[3])
local secrets = secrets_in(kept)
table.insert(secrets, 1, {id = ARGV[4], text = ARGV[5], created_at = NOW})
call('HSET', K.webhook_secrets, ARGV[3], cjson.encode({secrets[1], secrets[2]}))
acted('webhook_secret.make', ARGV[6], ARGV[7], 'secret_id', ARGV[4], 'owner', ARGV[3])
return 1
