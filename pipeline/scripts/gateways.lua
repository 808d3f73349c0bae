-- with: starts
-- The gateways that live. ARGV: -, -, name and what it says of itself ('' and '': only look), ms after which one counts as gone.
local function process(text) return type(text) == 'string' and string.match(text, '"started_at":(%d+)') end
if ARGV[3] ~= '' then
  local was = process(redis.pcall('HGET', K.gateways, ARGV[3]))
  call('HSET', K.gateways, ARGV[3], NOW .. ' ' .. ARGV[4])
  if was ~= process(ARGV[4]) then began('gateway', ARGV[3], cjson.decode(ARGV[4])) end
end
local all, out = call('HGETALL', K.gateways), {}
for i = 1, #all, 2 do
  local at, about = string.match(all[i + 1], '^(%d+) (.*)$')
  if not at or math.abs(now - tonumber(at)) > tonumber(ARGV[5]) then call('HDEL', K.gateways, all[i])
  else out[#out + 1] = {all[i], at, about} end
end
return out
