-- with: ledger starts
-- A consumer's heartbeat. ARGV: -, consumer, n, then n times kind and how many outcomes came too late since the last one,
-- then fields and values. Answers how many children the fleet has.
local fields = 4 + 2 * ARGV[3]
local new = call('DEL', K.consumer(ME)) == 0
call('HSET', K.consumer(ME), 'beat_at', now, unpack(ARGV, fields))
for i = 4, fields - 1, 2 do count(ARGV[i] .. ':lost', tonumber(ARGV[i + 1])) end
call('EXPIRE', K.consumer(ME), 15)
if new then
  local about = {}
  for i = fields, #ARGV, 2 do about[ARGV[i]] = ARGV[i + 1] end
  began('consumer', ME, about)
end
call('XGROUP', 'CREATECONSUMER', K.jobs('medium'), G, ME)
local children = 0
for _, known in ipairs(call('XINFO', 'CONSUMERS', K.jobs('medium'), G)) do
  local text = redis.pcall('HGET', K.consumer(known[2]), 'children')    -- a hand may have made it another type
  children = children + (type(text) == 'string' and tonumber(text) or 0)
end
return children
