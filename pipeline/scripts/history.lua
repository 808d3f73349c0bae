-- What was unusual in a task's life. ARGV: -, -, task.
local lines = redis.pcall('LRANGE', K.history(ARGV[3]), 0, -1)
return lines.err and {} or lines
