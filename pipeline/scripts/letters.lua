-- Dead letters, newest first. ARGV: -, -, owner or '', cursor ('' for the newest), how many, how many to look at.
-- Answers the cursor ('' at the end) and entries. Whose a letter is, its task's record says; one without is nobody's.
local owner, cursor, most, left, out = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), {}
while left > 0 do
  local page = call('XREVRANGE', K.dead, cursor == '' and '+' or '(' .. cursor, '-', 'COUNT', 50)
  for _, entry in ipairs(page) do
    cursor, left = entry[1], left - 1
    if owner == '' or redis.pcall('HGET', K.task(entry[2][2]), 'owner') == owner then out[#out + 1] = entry end
    if #out == most then return {cursor, out} end
  end
  if #page < 50 then return {'', out} end
end
return {cursor, out}
