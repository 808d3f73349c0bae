-- with: ledger work
-- Accept n tasks. ARGV: share, -, backlog limit, n, then 23 words a task (verbs.submit).
-- Answers: now, then {new | replay | mismatch | full, id} for each. The idempotency test comes before the limit.
-- Keeps I1, I16, I17. Its first write needs memory: a full Redis refuses it whole.
local limit, n = tonumber(ARGV[3]), tonumber(ARGV[4])
local waiting = {}
local function waiting_in(priority, owner)    -- the ring as this call found it: one look for all its tasks
  local key = K.ring(priority, owner)
  if not waiting[key] then waiting[key] = call('LLEN', key) end
  return waiting[key]
end
local function write(t, data, words)
  local fields = {'state', t.state, 'kind', t.kind, 'owner', t.owner, 'priority', t.priority, 'parts', t.parts, 'data', data,
    'submitted_at', now}
  for i = 1, #words, 2 do
    if words[i + 1] ~= '' then fields[#fields + 1] = words[i]; fields[#fields + 1] = words[i + 1] end
  end
  if t.parts == 1 and t.state == 'queued' and in_being(slot(t)) < SHARE then   -- its row is in the same write
    fields[#fields + 1] = 'p0'
    fields[#fields + 1] = enqueue(t, 'p0', t.priority) .. ' 0 0 -'
    share(t, 1)
    t.placed = true
  end
  call('HSET', K.task(t.id), unpack(fields))
end
local function accept(at)
  local id, kind, owner, priority, parts, data, first_wave, largest_wave, window, versions, sha256, seed, label, batch,
    request_id, traceparent, not_before, deadline, time_limit_s, result_ttl_s, same_key, same_sha, same_ttl_s = unpack(ARGV, at, at + 22)
  if call('EXISTS', K.task(id)) == 1 then return {'replay', id} end
  if same_key ~= '' then
    local known = call('HMGET', K.same(owner, same_key), 'task', 'sha256')
    if known[1] then return {known[2] == same_sha and 'replay' or 'mismatch', known[1]} end
  end
  if waiting_in(priority, owner) >= limit then return {'full', id} end
  local t = {id = id, kind = kind, owner = owner, priority = priority, parts = tonumber(parts), batch = batch ~= '' and batch or nil,
    state = tonumber(not_before) > now and 'scheduled' or 'queued', next = 0, done = 0, folded = 0,
    first_wave = tonumber(first_wave), largest_wave = tonumber(largest_wave), window = tonumber(window),
    request_id = request_id ~= '' and request_id or nil, traceparent = traceparent ~= '' and traceparent or nil}
  local words = {'versions', versions, 'sha256', sha256, 'seed', seed, 'label', label, 'batch', batch, 'request_id', request_id,
    'traceparent', traceparent, 'time_limit_s', time_limit_s, 'result_ttl_s', result_ttl_s,
    'not_before', t.state == 'scheduled' and not_before or '', 'deadline', deadline ~= '0' and deadline or ''}
  if t.parts > 1 then
    for _, name in ipairs({'next', 'done', 'folded', 'first_wave', 'largest_wave', 'window'}) do
      words[#words + 1] = name; words[#words + 1] = t[name]
    end
  end
  write(t, data, words)
  tasks[id] = t
  if same_key ~= '' then
    call('HSET', K.same(owner, same_key), 'task', id, 'sha256', same_sha)
    call('EXPIRE', K.same(owner, same_key), same_ttl_s)
  end
  index(t, nil, t.state)
  collect(adds, K.index_kind(kind), 0, id)
  if t.batch then collect(adds, K.index_batch(batch), 0, id) end
  event(id, t.state)
  count(kind .. ':submitted')
  if deadline ~= '0' then call('ZADD', K.later, deadline, id .. ' deadline') end
  if t.state == 'scheduled' then call('ZADD', K.later, not_before, id) elseif not t.placed then
    t.fresh = true                                            -- it has no row yet: nobody need look
    join(t)
    waiting[K.ring(priority, owner)] = waiting[K.ring(priority, owner)] + 1
  end
  return {'new', id}
end
local out = {now}
for i = 1, n do out[#out + 1] = accept(5 + (i - 1) * 23) end
return out
