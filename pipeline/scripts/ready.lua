-- Make streams and group where they are missing, from the beginning of the stream so that nothing is skipped.
-- Answers what keeps this store from being used safely; a line that begins with `warning` does not.
local wrong = {}
for _, place in ipairs(PLACES) do
  local made = redis.pcall('XGROUP', 'CREATE', K.jobs(place), G, '0', 'MKSTREAM')
  if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then wrong[#wrong + 1] = made.err end
end
local policy = string.match(call('INFO', 'memory'), 'maxmemory_policy:([%w-]+)')
if policy ~= 'noeviction' then wrong[#wrong + 1] = 'maxmemory-policy is ' .. policy .. ' and must be noeviction: else Redis drops tasks' end
if string.match(call('INFO', 'persistence'), 'aof_enabled:(%d)') ~= '1' then
  wrong[#wrong + 1] = 'warning: appendonly is off, so a restart of Redis loses tasks'
end
return wrong
