-- I16: the newest tasks of each state stand in the other indexes. KEYS: indexes of the states, what a record's key begins with, what those of kinds and owners do.
local seen, out, task, kinds, owners = 0, {}, KEYS[#KEYS-2], KEYS[#KEYS-1], KEYS[#KEYS]
for n = 1, #KEYS-3 do
  local state = string.match(KEYS[n], "%a+$")
  for _, id in ipairs(redis.call("ZRANGE", KEYS[n], 0, 99, "REV")) do
    local r = redis.call("HMGET", task .. id, "state", "kind", "owner")
    if r[1] then
      seen = seen + 1
      if r[1] ~= state then out[#out + 1] = id .. ": is " .. r[1] .. ", but stands among " .. state end
      if not redis.call("ZSCORE", kinds .. r[2], id) then out[#out + 1] = id .. ": is not among " .. r[2] end
      if not redis.call("ZSCORE", owners .. r[3] .. ":" .. state, id) then out[#out + 1] = id .. ": is not among those of " .. r[3] end
    end
  end
end
table.insert(out, 1, #out .. " wrong of " .. seen)
return out
