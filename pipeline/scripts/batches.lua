-- Ids of an owner's batches, those first that are kept longest. ARGV: -, -, owner, how many.
return call('ZREVRANGEBYSCORE', K.index_batches(ARGV[3]), '+inf', now, 'LIMIT', 0, ARGV[4])
