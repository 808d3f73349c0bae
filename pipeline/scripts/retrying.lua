-- How many jobs wait for their next attempt. ARGV: -, -, how many members of `later` to look at. No pause is longer than 450 s.
local n = 0
for _, member in ipairs(call('ZRANGEBYSCORE', K.later, '-inf', now + 450000, 'LIMIT', 0, ARGV[3])) do
  if string.find(member, ' [prx]%d*$') then n = n + 1 end
end
return n
