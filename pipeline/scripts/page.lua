-- with: record
-- One page of tasks, newest first. ARGV: -, -, then as JSON lists ('' for any) states, kinds, owners, batches, errors; cursor,
-- how many, '' or ids (no more than these), the oldest id, traits as JSON ('' for none; see Trait in record.py).
-- Walks the most selective index, at most 1,000 candidates a call, 400 into whose records it looks, and so many bytes of JSON;
-- the cursor says where it stopped (I16). In the place of its result a task has the first bytes of it.
local cursor, limit, ids_only, oldest = ARGV[8], tonumber(ARGV[9]), ARGV[10] == 'ids', ARGV[11]
local names = ids_only and {unpack(RECORD, 1, 7)} or LISTED
LISTED[#LISTED + 1] = 'cancel_reason'
local LARGE, HEAD, MOST_JSON = 16384, 400, 200000   -- bytes: longer data and results are not read; told of one; read in a call
local function listed(text) return text ~= '' and cjson.decode(text) or {} end
local states, owners, traits = listed(ARGV[3]), listed(ARGV[5]), listed(ARGV[12])
local read_json = 0
if #states == 0 then return {'', {}} end

-- ── what indexes know ──
local choices = {}                      -- each a list of indexes, one of which a task must be in
local function choose(of, key)
  local keys = {}
  for i, value in ipairs(of) do keys[i] = key(value) end
  if #keys > 0 then choices[#choices + 1] = keys end
end
if #owners == 0 then choose(states, K.index_state) end
local owned = {}
for _, owner in ipairs(owners) do
  for _, state in ipairs(states) do owned[#owned + 1] = K.index_owner(owner, state) end
end
choose(owned, function(key) return key end)
choose(listed(ARGV[4]), K.index_kind)
choose(listed(ARGV[6]), K.index_batch)
choose(listed(ARGV[7]), K.index_error)
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

-- ── what stands in the record alone ──
local function short(id, name)
  local size = redis.pcall('HSTRLEN', K.task(id), name)
  local value = type(size) == 'number' and size > 0 and size <= LARGE and redis.pcall('HGET', K.task(id), name)
  return type(value) == 'string' and value or ''
end
local function json(text)
  read_json = read_json + #text
  local good, value = pcall(cjson.decode, text)
  return good and value or nil
end
local function is(value, wanted)        -- a text, or a number within bounds
  if wanted.text then
    return tostring(value == cjson.null and 'null' or value) == wanted.text
      or type(value) == 'number' and value == tonumber(wanted.text)
  end
  return type(value) == 'number' and not (wanted.above and value <= wanted.above or wanted.below and value >= wanted.below
    or wanted.least and value < wanted.least or wanted.most and value > wanted.most)
end
local function leads(value, path, at, wanted)
  if type(value) ~= 'table' then return at > #path and is(value, wanted) end
  local next_value = value[path[at]]
  if next_value ~= nil then return leads(next_value, path, at + 1, wanted) end
  local index = #value > 0 and path[at] and tonumber(path[at])
  if index then return value[index + 1] ~= nil and leads(value[index + 1], path, at + 1, wanted) end
  for _, each in ipairs(value) do
    if leads(each, path, at, wanted) then return true end
  end
  return false
end
local function has(value, words) return value ~= '' and string.find(string.lower(value), words, 1, true) ~= nil end
local NEEDS = {text = {'label', 'custom_id', 'metadata', 'error'}, waited = {'submitted_at', 'started_at', 'finished_at'},
  ran = {'started_at', 'finished_at'}, data = {}, result = {}}
local fields_of, field = {}, {}         -- of a record what the traits look at, and what it says
for _, trait in ipairs(traits) do
  for _, name in ipairs(NEEDS[trait.of] or {trait.of}) do fields_of[#fields_of + 1] = name end
end
local function read(id)
  local values = #fields_of > 0 and redis.pcall('HMGET', K.task(id), unpack(fields_of)) or {}
  for i, name in ipairs(fields_of) do field[name] = type(values[i]) == 'string' and values[i] or '' end
end
local look = {}                         -- how a value of each trait is looked for
function look.label(_, wanted) return has(field.label, wanted.text) end
function look.text(id, wanted)
  return has(id, wanted.text) or has(field.label, wanted.text) or has(field.custom_id, wanted.text)
    or has(field.metadata, wanted.text) or has(field.error, wanted.text) or has(short(id, 'data'), wanted.text)
end
function look.error(_, wanted)
  return has(field.error, wanted.text) and (json(field.error) or {}).code == wanted.text
end
function look.waited(_, wanted)
  local from, to = tonumber(field.submitted_at), tonumber(field.started_at) or tonumber(field.finished_at) or now
  return from ~= nil and is(math.max(0, to - from), wanted)
end
function look.ran(_, wanted)
  local from = tonumber(field.started_at)
  return from ~= nil and is(math.max(0, (tonumber(field.finished_at) or now) - from), wanted)
end
local function within(id, wanted, trait)
  local text = short(id, trait.of)
  for _, name in ipairs(trait.path) do  -- a name that does not stand in it cannot lead anywhere: most are not read
    if not tonumber(name) and not string.find(text, '"' .. name .. '"', 1, true) then return false end
  end
  local value = text ~= '' and json(text)
  return type(value) == 'table' and leads(value, trait.path, 1, wanted)
end
look.data, look.result = within, within
local function exactly(_, wanted, trait) return field[trait.of] == wanted.text end
local function sifted(id)
  read(id)
  for _, trait in ipairs(traits) do
    local found = false
    for _, wanted in ipairs(trait.values) do
      found = found or (look[trait.of] or exactly)(id, wanted, trait)
    end
    if found == (trait.none or false) then return false end
  end
  return true
end

-- ── the walk ──
local function told(id, fields)
  if ids_only then return id end
  if fields[2] == 'succeeded' then fields[RESULT + 1] = string.sub(short(id, 'result'), 1, HEAD) end
  return fields
end
local A_READ, lanes = 100, {}
local function refill(lane)
  lane.at = 1
  lane.ids = lane.more and call('ZREVRANGEBYLEX', lane.key, lane.to == '' and '+' or '(' .. lane.to,
    oldest == '' and '-' or '[' .. oldest, 'LIMIT', 0, A_READ) or {}
  lane.more, lane.to = #lane.ids == A_READ, lane.ids[#lane.ids]
end
for i, key in ipairs(walked) do
  lanes[i] = {key = key, to = cursor, more = true}
  refill(lanes[i])
end
local function newest()                 -- of all lanes; an id that stands in two of them comes once
  local best
  for _, lane in ipairs(lanes) do
    local id = lane.ids[lane.at]
    if id and (not best or id > best) then best = id end
  end
  for _, lane in ipairs(best and lanes or {}) do
    if lane.ids[lane.at] == best then
      lane.at = lane.at + 1
      if lane.at > #lane.ids then refill(lane) end
    end
  end
  return best
end
local found, seen, id = {}, 0, nil
local most = #traits > 0 and 400 or 1000
while #found < limit and seen < most and read_json < MOST_JSON do
  id = newest()
  if not id then break end
  seen = seen + 1
  local there = fits(id)
  local fields = there and sifted(id) and record(id, names)
  if fields then found[#found + 1] = told(id, fields)
  elseif fields == nil or not there and call('EXISTS', K.task(id)) == 0 then unlist(id) end
end
return {id or '', found}
