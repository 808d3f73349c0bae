-- with: ledger work actions
-- Give up tasks of a batch. ARGV: share, -, batch, cursor, how many to look at, by, request_id, reason. Answers the cursor ('' at the end) and how many it gave up.
local ids = call('ZRANGEBYLEX', K.index_batch(ARGV[3]), ARGV[4] == '' and '-' or '(' .. ARGV[4], '+', 'LIMIT', 0, ARGV[5])
local given_up = 0
if #ids > 0 then admit() end
if #ids > 0 and ARGV[4] == '' then acted('batch.cancel', ARGV[6], ARGV[7], 'batch', ARGV[3], 'reason', ARGV[8] or '') end
for _, id in ipairs(ids) do
  local t = task(id)
  if t and (live(t) or t.state == 'scheduled') then
    give_up(t, ARGV[8])
    given_up = given_up + 1
  end
end
return {#ids < tonumber(ARGV[5]) and '' or ids[#ids], given_up}
