-- The secrets that are kept of an owner; what a hand has written there is none.
local function secrets_in(kept)
  local whole, found = pcall(cjson.decode, kept or '[]')
  local secrets = {}
  for _, secret in ipairs(whole and type(found) == 'table' and found or {}) do
    if type(secret) == 'table' and type(secret.id) == 'string' then secrets[#secrets + 1] = secret end
  end
  return secrets
end
