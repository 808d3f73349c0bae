-- What the audit has not read: tasks that ended, and what people did. ARGV: -, -, where it is in the events (entry/pairs of it that
-- are read), the last action it knows, how many entries and tasks at most, and bytes of their data and results.
-- Answers: where it is then, whether what it knew of the events is still there, that of the actions, the first event there is from
-- there on and the newest, then for each task where it stands, id, state, those bytes (-1: there is no record); then the actions.
-- The records are read one by one afterwards: that costs half of what it costs here.
local at, read = string.match(ARGV[3], '^(%d+%-%d+)/(%d+)$')
local most, bytes, cursor, tasks = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[3], {}
local FINAL = {succeeded = true, failed = true, cancelled = true}
local function size(id)
  local data, result = redis.pcall('HSTRLEN', K.task(id), 'data'), redis.pcall('HSTRLEN', K.task(id), 'result')
  return type(data) == 'number' and data > 0 and data + result or -1
end
local function look(entry, from)        -- false when there is no more room
  local pairs_of = entry[2]
  for n = from, #pairs_of / 2 - 1 do
    local id, happened = pairs_of[2 * n + 1], pairs_of[2 * n + 2]
    if FINAL[happened] then
      if #tasks >= most or bytes <= 0 then return false end
      local its = size(id)
      bytes = bytes - math.max(its, 0)
      tasks[#tasks + 1] = {entry[1] .. '/' .. n + 1, id, happened, its}
    end
    cursor = entry[1] .. '/' .. n + 1
  end
  return true
end
local function since(key, id, count)    -- from an entry on; the second says whether it is still there
  local entries = call('XRANGE', key, id == '0-0' and '-' or id, '+', 'COUNT', count)
  return entries, id == '0-0' or (entries[1] and entries[1][1] == id) and true or false
end
local entries, whole = since(K.events, at, ARGV[5] + 1)
for _, entry in ipairs(entries) do
  if not look(entry, entry[1] == at and tonumber(read) or 0) then break end
end
local actions, all = since(K.audit, ARGV[4], 101)
if actions[1] and actions[1][1] == ARGV[4] then table.remove(actions, 1) end
local newest = call('XREVRANGE', K.events, '+', '-', 'COUNT', 1)[1]
return {cursor, whole and 1 or 0, all and 1 or 0, entries[1] and entries[1][1] or '', newest and newest[1] or '0-0', tasks, actions}
