-- with: record
-- One page of tasks, newest first. ARGV: -, -, states, kind, owner, batch ('' for any), cursor, how many, '' or ids (no more
-- than these).
-- Walks the most selective index, at most 1,000 candidates a call; the cursor says where it stopped (I16).
local states, kind, owner, batch, cursor, limit = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local names = ARGV[9] == 'ids' and {unpack(RECORD, 1, 7)} or LISTED
local in_states = {}
for state in string.gmatch(states, '%a+') do
  in_states[#in_states + 1] = owner == '' and K.index_state(state) or K.index_owner(owner, state)
end
local choices = {in_states}
if kind ~= '' then choices[#choices + 1] = {K.index_kind(kind)} end
if batch ~= '' then choices[#choices + 1] = {K.index_batch(batch)} end
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
local function unlist(id)               -- the record has gone before its index members: by a hand, or just before `forget`
  for _, keys in ipairs(choices) do
    for _, key in ipairs(keys) do call('ZREM', key, id) end
  end
end
local found, seen = {}, 0
repeat
  local candidates = {}
  for _, key in ipairs(walked) do
    for _, id in ipairs(call('ZREVRANGEBYLEX', key, cursor == '' and '+' or '(' .. cursor, '-', 'LIMIT', 0, 100)) do
      candidates[#candidates + 1] = id
    end
  end
  table.sort(candidates, function(a, b) return a > b end)
  local looked = math.min(#candidates, 100)
  for i = 1, looked do
    if #found >= limit then break end
    cursor = candidates[i]
    seen = seen + 1
    local fields = fits(cursor) and record(cursor, names)
    if fields then found[#found + 1] = ARGV[9] == 'ids' and cursor or fields
    elseif fields == nil or call('EXISTS', K.task(cursor)) == 0 then unlist(cursor) end
  end
  if looked < 100 and #found < limit then cursor = '' end
until cursor == '' or #found >= limit or seen >= 1000
return {cursor, found}
