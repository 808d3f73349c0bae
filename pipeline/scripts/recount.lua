-- with: ledger work guard mend
-- Count every share again from the rows (I17). ARGV: -, -. Answers how many were wrong.
-- One look at each job in being: with more than MOST of them it does nothing, for Redis serves nobody else meanwhile.
-- On the way: entries that no row names and nobody will be given go; the indexes get back the tasks that have jobs.
local MOST = 10000
-- A hand can set a stream to an id beyond all clocks, where nothing can be put any more, or the group beyond what was put, where
-- nothing is given any more. Rows are the truth: what stood there `repair` puts again.
local function fields(list)
  local found = {}
  for i = 1, #list, 2 do found[list[i]] = list[i + 1] end
  return found
end
local function after(id, last)
  local one, other = halves(id), halves(last)
  return one[1] > other[1] or one[1] == other[1] and one[2] > other[2]
end
for _, place in ipairs(PLACES) do
  local stream = K.jobs(place)
  local last = fields(redis.pcall('XINFO', 'STREAM', stream))['last-generated-id']
  if last and not is_entry(last) then
    call('DEL', stream)
    call('XGROUP', 'CREATE', stream, G, '0', 'MKSTREAM')
  elseif last then
    for _, group in ipairs(call('XINFO', 'GROUPS', stream)) do
      local its = fields(group)
      if its.name == G and after(its['last-delivered-id'], last) then call('XGROUP', 'SETID', stream, G, last) end
    end
  end
end
local total = call('ZCARD', K.later)
for _, place in ipairs(PLACES) do total = total + call('XLEN', K.jobs(place)) end
if total > MOST then return 0 end

local counted, seen, tokens = {}, {}, {}                    -- slot → rows; tasks; what rows name
local function look(id)                 -- all rows of a task at once, at the first of its jobs
  if seen[id] then return end
  seen[id] = true
  local v, n = redis.pcall('HMGET', K.task(id), 'parts', 'state', 'owner', 'priority', 'kind', 'p0'), 0
  if not (v[1] and v[2] and v[3] and v[4] and v[5]) then return end
  local t = {id = id, parts = tonumber(v[1]), state = v[2], owner = v[3], priority = priority_of(v[4]), kind = v[5]}
  for _, row in pairs(not live(t) and {} or t.parts == 1 and {parse(v[6] or nil)} or rows(t)) do
    tokens[row.token] = true
    n = n + 1
  end
  if n == 0 then return end
  counted[slot(t)] = (counted[slot(t)] or 0) + n
  index(t.id, t.owner, nil, t.state)
  collect(adds, K.index_kind(t.kind), 0, id)
end
for _, place in ipairs(PLACES) do
  for _, entry in ipairs(call('XRANGE', K.jobs(place), '-', '+')) do
    if entry[2][1] == 'task' then look(entry[2][2]) end
    local row = {place = place, entry = entry[1], holder = '-'}
    if not tokens[place .. '/' .. entry[1]] and missing(row) then named(place, entry[1], entry[2]) end
  end
end
for _, member in ipairs(call('ZRANGE', K.later, 0, -1)) do look(string.match(member, '^%S+') or '') end

local wrong = 0
local function correct(s, n)
  wrong = wrong + 1
  if n then call('HSET', K.shares, s, n) else call('HDEL', K.shares, s) end
  local priority, owner = string.match(s, '^(%a+):(.+)$')
  local ring = priority and K.ring(priority, owner)
  local head = ring and call('LINDEX', ring, 0)
  while head and not task(head) do                          -- else the ring of an owner who has nothing more would stay
    call('LPOP', ring)
    head = call('LINDEX', ring, 0)
  end
end
local stands_at = call('HGETALL', K.shares)
for i = 1, #stands_at, 2 do
  local s = stands_at[i]
  if not tonumber(stands_at[i + 1]) and not counted[s] then correct(s) end   -- no number: a hand
  if tonumber(stands_at[i + 1]) ~= counted[s] then correct(s, counted[s]) end
  counted[s] = nil
end
for s, n in pairs(counted) do correct(s, n) end
return wrong
