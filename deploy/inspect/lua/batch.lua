-- A batch, and its tasks by state, as far as the first thousand. KEYS: the batch, its index, what a record's key begins with.
local out, states = redis.call("HGETALL", KEYS[1]), {}
if #out == 0 then return "there is no record of it" end
for _, id in ipairs(redis.call("ZRANGE", KEYS[2], 0, 999)) do
  local state = redis.call("HGET", KEYS[3] .. id, "state") or "forgotten"
  states[state] = (states[state] or 0) + 1
end
for state, n in pairs(states) do states[#states + 1] = state .. " " .. n end
table.sort(states)
local said = {}
for i = 1, #out, 2 do said[#said + 1] = out[i] .. " " .. out[i + 1] end
for _, line in ipairs(states) do said[#said + 1] = line end
return said
