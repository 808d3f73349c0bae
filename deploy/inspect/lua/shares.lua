-- I17: shares are what is in being; who waits in a ring waits for a full share. KEYS: job streams, shares, later, what a record's key and
-- a ring's begin with. ARGV: share.
local most, total, counted, out = 10000, redis.call("ZCARD", KEYS[8]), {}, {}
for n = 1, 6 do total = total + redis.call("XLEN", KEYS[n]) end
if total > most then return "not counted: more than " .. most .. " jobs are in being" end
local function one(id)
  local r = redis.call("HMGET", KEYS[9] .. id, "priority", "owner")
  local slot = r[1] and r[1] .. ":" .. r[2]
  if slot then counted[slot] = (counted[slot] or 0) + 1 end
end
for n = 1, 6 do
  for _, entry in ipairs(redis.call("XRANGE", KEYS[n], "-", "+")) do one(entry[2][2]) end
end
for _, member in ipairs(redis.call("ZRANGE", KEYS[8], 0, -1)) do
  local id, job = string.match(member, "^(%S+) ([prx]%d*)$")
  if id then one(id) end
end
local stands = redis.call("HGETALL", KEYS[7])
for i = 1, #stands, 2 do
  local slot, n = stands[i], tonumber(stands[i + 1])
  if counted[slot] ~= n then out[#out + 1] = slot .. ": " .. n .. " are written down, " .. (counted[slot] or 0) .. " in being" end
  if n < tonumber(ARGV[1]) and redis.call("LLEN", KEYS[10] .. slot) > 0 then out[#out + 1] = slot .. ": tasks wait in the ring, and the share is not full" end
  counted[slot] = nil
end
for slot, n in pairs(counted) do out[#out + 1] = slot .. ": nothing is written down, " .. n .. " in being" end
table.insert(out, 1, #out .. " wrong of " .. #stands / 2)
return out
