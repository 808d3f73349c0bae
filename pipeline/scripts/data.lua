-- The complete data of a task. ARGV: -, -, task.
local data = redis.pcall('HGET', K.task(ARGV[3]), 'data')
return type(data) == 'string' and data or nil
