-- In place of redis.call, after a key was found to hold another type: what no script of ours has put there is taken
-- away, as if a hand had deleted the key, and the command is asked again. Whatever has one name is looked at first: the
-- run that failed may have written so much that this one does not come as far.
local function heal(words)
  local healed = false
  for i = 2, #words do
    local key = tostring(words[i])
    local name = string.sub(key, 1, #P + 1) == P .. ':' and string.sub(key, #P + 2) or ''
    for _, known in ipairs(TYPES) do
      if string.find(name, known[1]) then
        local found = redis.call('TYPE', key).ok
        if found ~= 'none' and found ~= known[2] then
          redis.call('UNLINK', key)
          if known[3] == 'jobs' then redis.call('XGROUP', 'CREATE', key, G, '0', 'MKSTREAM') end
          redis.log(redis.LOG_WARNING, key .. ' was a ' .. found .. ' and is to be a ' .. known[2] .. ': removed')
          healed = true
        end
        break
      end
    end
  end
  return healed
end
local SEVERAL = {jobs = PLACES, index_state = {'scheduled', 'queued', 'running', 'succeeded', 'failed', 'cancelled'}}
for _, known in ipairs(TYPES) do
  local name = string.sub(known[1], 2, -2)
  local several = SEVERAL[known[3]] or (not string.find(name, '.+', 1, true) and {''}) or {}
  for _, one in ipairs(several) do heal({'', P .. ':' .. string.gsub(name, '%.%+', one)}) end
end
local function call(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) and heal({...}) then return redis.call(...) end
  return error(reply)
end
