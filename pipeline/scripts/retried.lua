-- Note of failed tasks by which tasks they were tried again. ARGV: -, -, then old and new. Answers how many.
local n = 0
for i = 3, #ARGV, 2 do
  if redis.pcall('HGET', K.task(ARGV[i]), 'state') == 'failed' then    -- a record that has gone must not come back
    call('HSET', K.task(ARGV[i]), 'retried_by', ARGV[i + 1])
    call('ZADD', K.index_retried, 0, ARGV[i])
    n = n + 1
  end
end
return n
