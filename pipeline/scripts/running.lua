-- with: record
-- The running tasks that were submitted first. ARGV: -, -, owner or '', how many.
local found = {}
local key = ARGV[3] == '' and K.index_state('running') or K.index_owner(ARGV[3], 'running')
for _, id in ipairs(call('ZRANGEBYLEX', key, '-', '+', 'LIMIT', 0, ARGV[4])) do
  found[#found + 1] = record(id, LISTED) or nil
end
return found
