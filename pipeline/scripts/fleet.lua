-- The heartbeats of the consumers that live: name, fields.
local found = {}
for _, known in ipairs(redis.pcall('XINFO', 'CONSUMERS', K.jobs('medium'), G)) do   -- no stream yet: nobody
  local fields = redis.pcall('HGETALL', K.consumer(known[2]))
  if #fields > 0 then found[#found + 1] = {known[2], fields} end
end
return found
