-- I4, I6, I11: the newest tasks that have ended. KEYS: indexes of the final states, what a record's key begins with. ARGV: what keys of rows and partials end with.
local seen, out = 0, {}
for n = 1, #KEYS-1 do
  for _, id in ipairs(redis.call("ZRANGE", KEYS[n], 0, 199, "REV")) do
    local key = KEYS[#KEYS] .. id
    local state = redis.call("HGET", key, "state")
    if state then
      seen = seen + 1
      if state ~= string.match(KEYS[n], "%a+$") then out[#out + 1] = id .. ": is " .. state .. ", but stands in " .. KEYS[n] end
      if redis.call("TTL", key) < 0 then out[#out + 1] = id .. ": nothing removes its record" end
      if redis.call("EXISTS", key .. ARGV[1], key .. ARGV[2]) > 0 or (redis.call("HGET", key, "p0") or "") ~= "" then out[#out + 1] = id .. ": has ended, and has jobs" end
    end
  end
end
table.insert(out, 1, #out .. " wrong of " .. seen)
return out
