-- I1: the newest entries of each stream are named by a row. KEYS: job streams, what a record's key begins with. ARGV: what a key of rows ends with.
local seen, out = 0, {}
for n = 1, #KEYS-1 do
  local place = string.match(KEYS[n], ":jobs:(.+)$")
  for _, entry in ipairs(redis.call("XREVRANGE", KEYS[n], "+", "-", "COUNT", 200)) do
    local id, job, of = entry[2][2], entry[2][4], entry[2][6]
    local row = of == "1" and redis.call("HGET", KEYS[#KEYS] .. id, "p0") or redis.call("HGET", KEYS[#KEYS] .. id .. ARGV[1], job)
    seen = seen + 1
    if not row or string.match(row, "^%S+") ~= place .. "/" .. entry[1] then out[#out + 1] = KEYS[n] .. " " .. entry[1] .. ": no row of " .. id .. " " .. job .. " names it" end
  end
end
table.insert(out, 1, #out .. " wrong of " .. seen)
return out
