-- Remove an API key. ARGV: -, -, id. Answers how many there were.
return call('HDEL', K.apikeys, ARGV[3])
