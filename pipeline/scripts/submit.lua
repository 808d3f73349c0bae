-- with: ledger work
-- Accept n tasks. ARGV: share, -, backlog limit, forms, unfinished limit (0: none), then 14 words a form (what tasks of one call have in common) and
-- 9 words a task, the last says how many fields and values follow it (verbs.submit). Answers: now, then for each new | full | quota | {replay | mismatch, id}.
-- The idempotency test comes before the limit. Keeps I1, I16, I17. Its first write needs memory: a full Redis refuses
-- it whole.
local limit, most, forms = tonumber(ARGV[3]), tonumber(ARGV[5]), {}
local first = 6 + ARGV[4] * 14          -- of the words of the tasks
local FORM = {'kind', 'owner', 'priority', 'parts', 'first_wave', 'largest_wave', 'window', 'versions', 'label', 'batch', 'not_before',
  'deadline', 'time_limit_s', 'result_ttl_s'}
local waiting = {}                      -- ring → tasks in it: one look for all tasks of this call
local unfinished = {}                   -- owner → tasks that have not ended
local function form_of(at)
  local f = {}
  for i, name in ipairs(FORM) do f[name] = ARGV[at + i - 1] end
  f.ring, f.stream, f.slot = K.ring(f.priority, f.owner), K.jobs(f.priority), slot(f)
  f.state = tonumber(f.not_before) > now and 'scheduled' or 'queued'
  if most > 0 and not unfinished[f.owner] then
    unfinished[f.owner] = 0
    for _, state in ipairs({'scheduled', 'queued', 'running'}) do
      unfinished[f.owner] = unfinished[f.owner] + call('ZCARD', K.index_owner(f.owner, state))
    end
  end
  waiting[f.ring] = waiting[f.ring] or call('LLEN', f.ring)
  f.fields = {'state', f.state, 'submitted_at', NOW, 'kind', f.kind, 'owner', f.owner, 'priority', f.priority, 'parts', f.parts}
  local function tell(name, word)
    if word ~= '' then f.fields[#f.fields + 1] = name; f.fields[#f.fields + 1] = word end
  end
  for _, name in ipairs({'versions', 'label', 'batch', 'time_limit_s', 'result_ttl_s'}) do tell(name, f[name]) end
  if f.state == 'scheduled' then tell('not_before', f.not_before) end
  if f.deadline == '0' then f.deadline = nil else tell('deadline', f.deadline) end
  if f.parts ~= '1' then
    for _, name in ipairs({'next', 'done', 'folded'}) do tell(name, '0') end
    for _, name in ipairs({'first_wave', 'largest_wave', 'window'}) do tell(name, f[name]) end
  end
  f.kinds = list_of(adds, K.index_kind(f.kind))
  f.count = 0
  return f
end
-- A task of one part whose owner has a slot free gets its row in the same write. What scripts read comes first: a field
-- of a compact hash is found by looking at each before it. Data, which only a start reads, come last.
local function write(f, key, more, id, data, sha256, seed, request_id, traceparent)
  local placed, fields, n = f.parts == '1' and f.state == 'queued' and in_being(f.slot) < SHARE, {}, 0
  if placed then
    fields[1] = 'p0'
    fields[2] = f.priority .. '/' .. entry_of(f.stream, id, 'p0', '1', f.kind, f.owner, request_id, traceparent) .. ' 0 0 -'
    n = 2
    share(f, 1)
  end
  for i = 1, #f.fields do fields[n + i] = f.fields[i] end
  n = n + #f.fields
  if request_id then fields[n + 1], fields[n + 2], n = 'request_id', request_id, n + 2 end
  if traceparent then fields[n + 1], fields[n + 2], n = 'traceparent', traceparent, n + 2 end
  if seed ~= '' then fields[n + 1], fields[n + 2], n = 'seed', seed, n + 2 end
  for i = 1, #more do fields[n + i] = more[i] end
  n = n + #more
  fields[n + 1], fields[n + 2], fields[n + 3], fields[n + 4] = 'sha256', sha256, 'data', data
  call('HSET', key, unpack(fields))
  return placed
end
local function stand_in_ring(f, id)
  waiting[f.ring] = waiting[f.ring] + 1
  if f.parts == '1' then                                    -- it has no row yet: nobody need look
    touched[f.slot] = touched[f.slot] or f
    return collect(joining, f.ring, id)
  end
  join(task(id))
end
-- A calculation that was asked for before is answered by its task (gateway/submission.py), but not by one that has no result.
local function useless(id)
  local state = redis.pcall('HGET', K.task(id), 'state')
  return state ~= 'scheduled' and state ~= 'queued' and state ~= 'running' and state ~= 'succeeded'
end
local known = {}                        -- what this call has written
local function accept(f, key, more, any, id, data, sha256, seed, request_id, traceparent, same)
  if (any or known[id]) and call('EXISTS', key) == 1 then return {'replay', id} end
  local same_sha, same_ttl_s, same_key = string.match(same, '^(%S*) (%d+) (.+)$')
  local once = same_key and string.match(same_key, '^once:(.+)$')
  if once then                          -- what nginx may send again: nearly every task has it, so it is asked and written in one command
    once = K.once(f.owner, once)
    local mine = id .. ' ' .. same_sha
    local before = call('SET', once, mine, 'NX', 'GET', 'EX', same_ttl_s)
    local task, sha = string.match(before or '', '^(%S+) (%S*)$')
    if task then return {sha == same_sha and 'replay' or 'mismatch', task} end
    if before then call('SET', once, mine, 'EX', same_ttl_s) end          -- a hand wrote it
  elseif same_key then
    local stored = call('HMGET', K.same(f.owner, same_key), 'task', 'sha256', 'batch')
    if stored[3] then return {'mismatch', stored[3]} end
    if stored[1] and string.find(same_key, '^cache:') and useless(stored[1]) then stored[1] = nil end
    if stored[1] then return {stored[2] == same_sha and 'replay' or 'mismatch', stored[1]} end
  end
  local refused = waiting[f.ring] >= limit and 'full' or most > 0 and unfinished[f.owner] >= most and 'quota'
  if refused then
    if once then call('DEL', once) end
    return refused
  end
  if most > 0 then unfinished[f.owner] = unfinished[f.owner] + 1 end
  known[id] = true
  if request_id == '' then request_id = nil end
  if traceparent == '' then traceparent = nil end
  local placed = write(f, key, more, id, data, sha256, seed, request_id, traceparent)
  if same_key and not once then
    call('HSET', K.same(f.owner, same_key), 'task', id, 'sha256', same_sha)
    call('EXPIRE', K.same(f.owner, same_key), same_ttl_s)
  end
  index(id, f.owner, nil, f.state)
  f.kinds[#f.kinds + 1] = '0'; f.kinds[#f.kinds + 1] = id
  if f.batch ~= '' then collect(adds, K.index_batch(f.batch), '0', id) end
  event(id, f.state)
  f.count = f.count + 1
  if f.deadline then call('ZADD', K.later, f.deadline, id .. ' deadline') end
  if f.state == 'scheduled' then call('ZADD', K.later, f.not_before, id) elseif not placed then stand_in_ring(f, id) end
  return 'new'
end
local slots = {}
for at = 6, first - 1, 14 do
  forms[#forms + 1] = form_of(at)
  slots[#slots + 1] = forms[#forms].slot
end
look_at(slots)
local keys, at, begins, out = {}, first, {}, {NOW}
while at <= #ARGV do
  keys[#keys + 1], begins[#begins + 1] = K.task(ARGV[at + 1]), at
  at = at + 9 + 2 * ARGV[at + 8]
end
local any = #keys > 0 and call('EXISTS', unpack(keys)) > 0   -- one look for all: nearly always all are new
for i = 1, #keys do
  local from, more = begins[i], {}
  for word = from + 9, from + 8 + 2 * ARGV[from + 8] do more[#more + 1] = ARGV[word] end
  out[#out + 1] = accept(forms[tonumber(ARGV[from])], keys[i], more, any, unpack(ARGV, from + 1, from + 7))
end
for _, f in ipairs(forms) do
  bare[f.ring] = waiting[f.ring] == 0
  if f.count > 0 then count(f.kind .. ':submitted', f.count) end
  if f.count > 0 and f.batch ~= '' and call('EXISTS', K.batch(f.batch)) == 1 then call('HINCRBY', K.batch(f.batch), 'accepted', f.count) end
end
return out
