-- The gateways that live. ARGV: -, -, name and what it says of itself ('' and '': only look), ms after which one counts as gone.
if ARGV[3] ~= '' then call('HSET', K.gateways, ARGV[3], NOW .. ' ' .. ARGV[4]) end
local all, out = call('HGETALL', K.gateways), {}
for i = 1, #all, 2 do
  local at, about = string.match(all[i + 1], '^(%d+) (.*)$')
  if not at or math.abs(now - tonumber(at)) > tonumber(ARGV[5]) then call('HDEL', K.gateways, all[i])
  else out[#out + 1] = {all[i], at, about} end
end
return out
