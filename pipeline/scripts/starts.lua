-- Starts of consumers and gateways, newest first. ARGV: -, -, how many at most.
local entries = redis.pcall('XREVRANGE', K.starts, '+', '-', 'COUNT', ARGV[3])
return entries.err and {} or entries
