-- A consumer's heartbeat. ARGV: -, consumer, then fields and values. Answers how many children the fleet has.
call('DEL', K.consumer(ME))
call('HSET', K.consumer(ME), 'beat_at', now, unpack(ARGV, 3))
call('EXPIRE', K.consumer(ME), 15)
call('XGROUP', 'CREATECONSUMER', K.jobs('medium'), G, ME)
local children = 0
for _, known in ipairs(call('XINFO', 'CONSUMERS', K.jobs('medium'), G)) do
  local text = redis.pcall('HGET', K.consumer(known[2]), 'children')    -- a hand may have made it another type
  children = children + (type(text) == 'string' and tonumber(text) or 0)
end
return children
