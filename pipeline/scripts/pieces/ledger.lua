-- For scripts that write: what the jobs of one call share is collected here and written once, by close().
local entries, adds, removes, counts = {}, {}, {}, {}      -- stream → ids; index → members; minute field → n
local happened, spans, progressed, shares, touched = {}, {}, {}, {}, {}

local function list_of(into, key)
  local list = into[key]
  if not list then list = {}; into[key] = list end
  return list
end
local function collect(into, key, first, second)
  local list = list_of(into, key)
  list[#list + 1] = first
  if second then list[#list + 1] = second end
end
-- A full Redis (maxmemory, noeviction) refuses a script whose first write needs memory, and lets one that has written
-- run to its end. What ends work must not be refused, so it begins with a write that needs none.
local function admit() call('XACK', K.jobs('high'), G, '0-1') end
local function event(id, text) happened[#happened + 1] = id; happened[#happened + 1] = text end
local function span(id, job, child, ran_ms, outcome)
  local ran = tonumber(ran_ms)
  if ran < 0 then ran, ran_ms = 0, '0' end
  spans[#spans + 1] = id .. ' ' .. job
  spans[#spans + 1] = child .. ' ' .. math.floor(now - ran) .. ' ' .. ran_ms .. ' ' .. outcome
end
local function count(field, n) counts[field] = (counts[field] or 0) + (n or 1) end
-- Histogram buckets are 12 % wide: bucket b counts from 1.12^b to 1.12^(b+1) ms.
local floor, log, LOG = math.floor, math.log, math.log(1.12)
local function bucket(ms) return ms > 1 and floor(log(ms) / LOG) or 0 end
local entering, leaving = {}, {}        -- owner → state → the lists of the two indexes: their keys are spelt once a call
local function lists(known, into, owner, state)
  local of = list_of(known, owner)
  if not of[state] then of[state] = {list_of(into, K.index_state(state)), list_of(into, K.index_owner(owner, state))} end
  return of[state][1], of[state][2]
end
local ended = {}                        -- kind → counter → state or bucket → n; spelt by close, for names cost more than sums
local function count_end(kind, state, submitted_at, started_at)
  local of = ended[kind]
  if not of then of = {[':'] = {}, [':waited:'] = {}, [':ran:'] = {}}; ended[kind] = of end
  local ends, waited, ran = of[':'], of[':waited:'], of[':ran:']
  ends[state] = (ends[state] or 0) + 1
  if not started_at then return end
  local b = bucket(started_at - (submitted_at or started_at))             -- a clock that went back gives the first bucket
  waited[b] = (waited[b] or 0) + 1
  b = bucket(now - started_at)
  ran[b] = (ran[b] or 0) + 1
end
-- How long it ran, of what was foretold: the same buckets, from half of it (-7) to twice (6) and beyond.
local function count_error(kind, text, started_at)
  local run_s = type(text) == 'string' and tonumber(string.match(text, '"run_s":([%d.e+-]+)') or '')
  if not run_s or run_s <= 0 then return end
  count(kind .. ':off:' .. floor(log(math.max(now - started_at, 1) / (1000 * run_s)) / LOG))
end
-- All tasks of an index have score 0: ids begin with their time, so members are in order of submission.
local function index(id, owner, from, to)
  if from then
    local all, own = lists(leaving, removes, owner, from)
    all[#all + 1] = id; own[#own + 1] = id
  end
  if to then
    local all, own = lists(entering, adds, owner, to)
    local n, m = #all, #own
    all[n + 1] = '0'; all[n + 2] = id; own[m + 1] = '0'; own[m + 2] = id
  end
end
local function slot(t) return t.priority .. ':' .. t.owner end
local stood = {}                        -- slot → its count as the store has it
local function look_at(slots)           -- at most 1,000 of them in one command
  if #slots == 0 then return end
  for i, text in ipairs(call('HMGET', K.shares, unpack(slots))) do
    stood[slots[i]] = tonumber(text or '')
    shares[slots[i]] = stood[slots[i]] or 0                 -- none, or no number: a hand
  end
end
local function in_being(s)
  if not shares[s] then look_at({s}) end
  return shares[s]
end
local function share(t, n)
  local s = slot(t)
  shares[s] = in_being(s) + n
  touched[s] = t
end
-- What is unusual in a task's life, as people read it: at most 64 lines.
local function note(id, text)
  local lines = redis.pcall('RPUSH', K.history(id), now .. ' ' .. text)
  if type(lines) ~= 'number' then                           -- no list: a hand was there
    call('DEL', K.history(id))
    lines = call('RPUSH', K.history(id), now .. ' ' .. text)
  end
  if lines > 64 then call('LTRIM', K.history(id), -64, -1) end
end

local function minute_name(minutes)     -- yyyymmddhhmm, UTC; the date by Howard Hinnant's civil_from_days
  local days = math.floor(minutes / 1440) + 719468
  local era = math.floor(days / 146097)
  local doe = days - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  local rest = minutes % 1440
  return string.format('%04d%02d%02d%02d%02d', year, month, doy - math.floor((153 * mp + 2) / 5) + 1, math.floor(rest / 60), rest % 60)
end
local function each_chunk(list, size, write)   -- unpack is bounded by Lua's stack
  for i = 1, #list, size do write(unpack(list, i, math.min(i + size - 1, #list))) end
end
local function spell_ended()
  for kind, of in pairs(ended) do
    for name, counted in pairs(of) do
      for which, n in pairs(counted) do count(kind .. name .. which, n) end
    end
  end
end
-- Events and spans are capped in entries, so an entry has a cap too: 16 of them are 53 and 46 MB when full, 256 would be over 600.
local MOST_AN_ENTRY = 16
local function close()
  spell_ended()
  for stream, ids in pairs(entries) do
    each_chunk(ids, 1000, function(...) call('XACK', stream, G, ...); call('XDEL', stream, ...) end)
  end
  local empty, changed = {}, {}         -- a slot that was freed and given on in one call is as it was
  for s, n in pairs(shares) do
    if touched[s] and n <= 0 then empty[#empty + 1] = s
    elseif touched[s] and n ~= stood[s] then changed[#changed + 1] = s; changed[#changed + 1] = n end
  end
  each_chunk(empty, 1000, function(...) call('HDEL', K.shares, ...) end)
  each_chunk(changed, 1000, function(...) call('HSET', K.shares, ...) end)
  -- A task can enter and leave an index in one call, never leave and enter: adds come first.
  for key, members in pairs(adds) do each_chunk(members, 1000, function(...) call('ZADD', key, ...) end) end
  for key, members in pairs(removes) do each_chunk(members, 1000, function(...) call('ZREM', key, ...) end) end
  for id, t in pairs(progressed) do event(id, 'part ' .. t.done .. '/' .. t.parts) end
  if #happened > 0 then
    each_chunk(happened, 2 * MOST_AN_ENTRY, function(...) call('XADD', K.events, 'MAXLEN', '~', 100000, '*', ...) end)
  end
  if #spans > 0 then
    each_chunk(spans, 2 * MOST_AN_ENTRY, function(...) call('XADD', K.spans, 'MAXLEN', '~', 50000, '*', 'consumer', ME, ...) end)
  end
  if next(counts) then
    local key = K.minute(minute_name(math.floor(now / 60000)))
    for field, n in pairs(counts) do
      if redis.pcall('HINCRBY', key, field, n) == n then call('EXPIRE', key, 691200) end
    end
  end
end
