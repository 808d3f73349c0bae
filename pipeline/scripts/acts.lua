-- What people did, newest first. ARGV: -, -, how many at most.
local entries = redis.pcall('XREVRANGE', K.audit, '+', '-', 'COUNT', ARGV[3])
return entries.err and {} or entries
