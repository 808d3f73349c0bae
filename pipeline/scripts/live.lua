-- Ids of scheduled, queued and running tasks after a cursor, oldest first. ARGV: -, -, cursor, how many.
local from, ids = ARGV[3] == '' and '-' or '(' .. ARGV[3], {}
for _, state in ipairs({'scheduled', 'queued', 'running'}) do
  for _, id in ipairs(call('ZRANGEBYLEX', K.index_state(state), from, '+', 'LIMIT', 0, ARGV[4])) do ids[#ids + 1] = id end
end
table.sort(ids)
while #ids > tonumber(ARGV[4]) do table.remove(ids) end
return ids
