-- What a task was made from: its complete data, time_limit_s, result_ttl_s. ARGV: -, -, task. Nil where the data are gone.
local v = redis.pcall('HMGET', K.task(ARGV[3]), 'data', 'time_limit_s', 'result_ttl_s')
return v[1] and v[2] and v[3] and v or nil
