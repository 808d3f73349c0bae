-- Deliveries that are owed, the next first, or (given_up) were given up, the latest first, and are still. ARGV: -, -, pending | given_up,
-- owner or '', how many. Looks at 2,000 at most. Answers id and fields of each.
local wanted, owner, most, out, seen = ARGV[3], ARGV[4], tonumber(ARGV[5]), {}, {}
local function look(id, whose)
  if #out >= most or seen[id] or (owner ~= '' and whose ~= owner) then return end
  seen[id] = true
  local fields = redis.pcall('HGETALL', K.webhook(id))
  if redis.pcall('HGET', K.webhook(id), 'state') == wanted then out[#out + 1] = {id, fields} end
end
if wanted == 'pending' then
  for _, member in ipairs(call('ZRANGE', K.webhooks, 0, 1999)) do look(string.match(member, '^(%S*) ?(.*)$')) end
else
  for _, entry in ipairs(call('XREVRANGE', K.undelivered, '+', '-', 'COUNT', 2000)) do look(entry[2][2], entry[2][4]) end
end
return out
