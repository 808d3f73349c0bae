-- The oldest task that has not ended, in each state: its id begins with its time. KEYS: indexes of the states, what a record's key begins with.
local t, out = redis.call("TIME"), {}
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for n = 1, #KEYS-1 do
  local id = redis.call("ZRANGE", KEYS[n], 0, 0)[1]
  local r = id and redis.call("HMGET", KEYS[#KEYS] .. id, "kind", "owner", "submitted_at")
  if id and r[3] then
    out[#out + 1] = string.match(KEYS[n], "%a+$") .. " " .. id .. " " .. r[1] .. " of " .. r[2] .. ", submitted " .. now - r[3] .. " ms ago"
  end
end
return out
