-- with: ledger work
-- All tasks of a batch were submitted. ARGV: -, -, batch. Answers 1, or 0 where there is no record of it.
if call('EXISTS', K.batch(ARGV[3])) == 0 then return 0 end
call('HSET', K.batch(ARGV[3]), 'sealed', '1')
owe_batch(ARGV[3])
return 1
