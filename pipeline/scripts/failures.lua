-- Failed tasks, those submitted last first. ARGV: -, -, owner or '', how many. Answers the tasks, those of everybody that were
-- tried again (no more than as many), each list as one text; and whether the first is all.
local key = ARGV[3] == '' and K.index_state('failed') or K.index_owner(ARGV[3], 'failed')
local ids = call('ZREVRANGEBYLEX', key, '+', '-', 'LIMIT', 0, ARGV[4])
local retried = call('ZREVRANGEBYLEX', K.index_retried, '+', '-', 'LIMIT', 0, ARGV[4])
return {table.concat(ids, ' '), table.concat(retried, ' '), call('ZCARD', key) == #ids and 1 or 0}
