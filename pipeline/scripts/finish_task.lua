-- with: ledger work
-- End tasks of one part with their results. ARGV: share, consumer, then token, task, job, child, ran_ms, result for each.
-- Answers ok or lost for each. Keeps I1, I4, I5, I17. The hottest script: it reads only the fields that it needs.
admit()
local slots = {}                        -- place of a token → what its tasks have in common
local function slot_of(place)
  local known = {stream = K.jobs(place), priority = string.match(place, '^%a+'), owners = {}}
  known.again = known.priority ~= place
  known.entries = list_of(entries, known.stream)
  slots[place] = known
  return known
end
local function finish(token, id, job, child, ran_ms, result)
  local key = K.task(id)
  local v = redis.pcall('HMGET', key, 'p0', 'kind', 'owner', 'submitted_at', 'started_at', 'result_ttl_s', 'batch', 'deadline', 'limit_at', 'webhook',
    'estimated')
  local row, named = v[1] or '', #token + 1
  -- Held: the row names this very placing, and a holder. Then the task is running, at the priority of its place.
  if string.sub(row, 1, named) ~= token .. ' ' or string.sub(row, -2) == ' -' or not (v[2] and v[3]) then return 'lost' end
  local at = string.find(token, '/', 1, true)
  local place = string.sub(token, 1, at - 1)
  local known, owner = slots[place] or slot_of(place), v[3]
  known.entries[#known.entries + 1] = string.sub(token, at + 1)
  known.owners[owner] = (known.owners[owner] or 0) + 1
  if v[8] then call('ZREM', K.later, id .. ' deadline') end
  if v[9] then call('ZREM', K.later, id .. ' limit') end
  local gone_ms = settle(id, key, v[2], owner, 'running', 'succeeded', '', v[7] or nil, v[4], v[5], v[6], v[11], 'p0', '', 'result', result)
  if v[10] then owe(id, v[10]) end
  if known.again then call('PEXPIRE', K.history(id), gone_ms) end         -- put again: it has a history
  span(id, job, child, ran_ms, 'done')
  return 'ok'
end
local out = {}
for i = 3, #ARGV, 6 do out[#out + 1] = finish(unpack(ARGV, i, i + 5)) end
local freed, looked = {}, {}
for _, known in pairs(slots) do
  for owner, n in pairs(known.owners) do
    local of = {priority = known.priority, owner = owner}
    freed[#freed + 1], looked[#looked + 1] = {of, n}, slot(of)
  end
end
look_at(looked)
for _, one in ipairs(freed) do share(one[1], -one[2]) end
return out
