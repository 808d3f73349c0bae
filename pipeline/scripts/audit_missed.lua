-- Tasks that ended in a time whose events are gone, from the records that are still kept: a page of those in one state.
-- ARGV: -, -, state, cursor, how many to look at, from and to in ms. Answers the cursor ('' at the end), and ids.
local state, cursor, most, from, to, found = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), {}
local ids = call('ZRANGEBYLEX', K.index_state(state), cursor == '' and '-' or '(' .. cursor, '+', 'LIMIT', 0, most)
for _, id in ipairs(ids) do
  local value = redis.pcall('HGET', K.task(id), 'finished_at')
  local finished = type(value) == 'string' and tonumber(value)
  if finished and finished >= from and finished <= to then found[#found + 1] = id end
end
return {#ids < most and '' or ids[#ids], found}
