-- The heartbeats of the consumers that live: name, fields.
local found = {}
for _, known in ipairs(call('XINFO', 'CONSUMERS', K.jobs('medium'), G)) do
  local fields = redis.pcall('HGETALL', K.consumer(known[2]))
  if #fields > 0 then found[#found + 1] = {known[2], fields} end
end
return found
