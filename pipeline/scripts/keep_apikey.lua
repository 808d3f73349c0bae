-- Keep a new API key. ARGV: -, -, id, JSON. Answers 1, or 0 when there is one of this id already.
return call('HSETNX', K.apikeys, ARGV[3], ARGV[4])
