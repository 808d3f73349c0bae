-- with: record
-- One page of tasks, newest first. ARGV: -, -, states, kind, owner, batch ('' for any), cursor, how many, '' or ids (no more
-- than these); then error, the oldest id, priority, words of the label, words of anything ('' for any).
-- Walks the most selective index, at most 1,000 candidates a call; the cursor says where it stopped (I16).
-- In the place of its result a task has the first bytes of it.
local states, kind, owner, batch, cursor, limit = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local names = ARGV[9] == 'ids' and {unpack(RECORD, 1, 7)} or LISTED
local code, oldest, priority, label, text = unpack(ARGV, 10, 14)
LISTED[#LISTED + 1] = 'cancel_reason'
local LARGE, HEAD = 16384, 400          -- bytes: data and results that are longer are not read, and what is told of one
local in_states = {}
for state in string.gmatch(states, '%a+') do
  in_states[#in_states + 1] = owner == '' and K.index_state(state) or K.index_owner(owner, state)
end
local choices = {in_states}
if kind ~= '' then choices[#choices + 1] = {K.index_kind(kind)} end
if batch ~= '' then choices[#choices + 1] = {K.index_batch(batch)} end
if code ~= '' then choices[#choices + 1] = {K.index_error(code)} end
local walked, fewest
for _, keys in ipairs(choices) do
  local size = 0
  for _, key in ipairs(keys) do size = size + call('ZCARD', key) end
  if not fewest or size < fewest then walked, fewest = keys, size end
end
local function fits(id)
  for _, keys in ipairs(choices) do
    local found = keys == walked
    for _, key in ipairs(keys) do
      if found then break end
      found = call('ZSCORE', key, id)
    end
    if not found then return false end
  end
  return true
end
local function short(id, field)
  local size = redis.pcall('HSTRLEN', K.task(id), field)
  local value = type(size) == 'number' and size <= LARGE and redis.pcall('HGET', K.task(id), field)
  return type(value) == 'string' and value or ''
end
local function has(value, words) return string.find(string.lower(value or ''), words, 1, true) ~= nil end
local sifts = priority ~= '' or label ~= '' or text ~= ''
local function sifted(id)               -- what no index knows is looked for in the record
  if not sifts then return true end
  local v = redis.pcall('HMGET', K.task(id), 'priority', 'label', 'custom_id', 'metadata', 'error')
  if priority ~= '' and v[1] ~= priority or not has(v[2], label) then return false end
  return text == '' or has(id, text) or has(v[2], text) or has(v[3], text) or has(v[4], text) or has(v[5], text)
    or has(short(id, 'data'), text)
end
local function told(id, fields)
  if ARGV[9] == 'ids' then return id end
  if fields[2] == 'succeeded' then fields[RESULT + 1] = string.sub(short(id, 'result'), 1, HEAD) end
  return fields
end
local function unlist(id)               -- the record has gone before its index members: by a hand, or just before `forget`
  for _, keys in ipairs(choices) do
    for _, key in ipairs(keys) do call('ZREM', key, id) end
  end
end
local found, seen = {}, 0
repeat
  local candidates = {}
  for _, key in ipairs(walked) do
    for _, id in ipairs(call('ZREVRANGEBYLEX', key, cursor == '' and '+' or '(' .. cursor, oldest == '' and '-' or '[' .. oldest,
      'LIMIT', 0, 100)) do
      candidates[#candidates + 1] = id
    end
  end
  table.sort(candidates, function(a, b) return a > b end)
  local looked = math.min(#candidates, 100)
  for i = 1, looked do
    if #found >= limit then break end
    cursor = candidates[i]
    seen = seen + 1
    local there = fits(cursor)
    local fields = there and sifted(cursor) and record(cursor, names)
    if fields then found[#found + 1] = told(cursor, fields)
    elseif fields == nil or not there and call('EXISTS', K.task(cursor)) == 0 then unlist(cursor) end
  end
  if looked < 100 and #found < limit then cursor = '' end
until cursor == '' or #found >= limit or seen >= 1000
return {cursor, found}
