-- with: ledger
-- The counters of the last minutes, the running one first. ARGV: -, -, how many, how many to pass over before.
local out = {}
for back = ARGV[4], ARGV[4] + ARGV[3] - 1 do
  local name = minute_name(math.floor(now / 60000) - back)
  local fields = call('HGETALL', K.minute(name))
  if #fields > 0 then out[#out + 1] = {name, fields} end
end
return out
