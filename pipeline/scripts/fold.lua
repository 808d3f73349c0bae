-- with: ledger work guard mend
-- Store a folded wave. ARGV: share, consumer, token, task, job, child, ran_ms, accumulator, estimate, final | '', result.
-- Answers ok or lost. Keeps I3: a wave is folded once, in order; its partials go, its successor may follow at once.
local token, id, job, child, ran_ms, accumulator, estimate, verdict, result = unpack(ARGV, 3, 11)
-- The convergence so far, for people: every wave at first, then where the parts have grown by 2.5 % (a logarithmic grid).
local MOST_POINTS = 512
local function draw(t, finish)
  local key = K.curve(id)
  local last = redis.pcall('LINDEX', key, -1)
  if type(last) == 'table' then call('DEL', key); last = false end      -- no list: a hand was there
  local before = last and tonumber(string.match(last, '^%d+')) or 0
  if finish < t.parts and verdict ~= 'final' and finish * 1000 < before * 1025 then return end
  if call('RPUSH', key, finish .. ' ' .. estimate) > MOST_POINTS then call('LREM', key, -1, last) end
end
local t = task(id)
local row = held(t, job, token)
if not row then return 'lost' end
admit()
sound(K.partials(id))
if t.unplanned or job ~= 'r' .. t.folded then               -- a hand changed the record
  mend(t)
  return 'lost'
end
span(id, job, child, ran_ms, 'done')
local start, finish = wave_span(t, t.folded)
if estimate ~= '' then
  call('HSET', K.task(id), 'estimate', estimate)
  draw(t, finish)
end
if verdict == 'final' then
  if t.stop then call('HDEL', K.task(id), 'stop') end       -- a deadline that changed nothing: it is the whole result
  final(t, 'succeeded', '', 'result', result)
  return 'ok'
end
local folded = {'wave:' .. t.folded}
for part = start, finish - 1 do folded[#folded + 1] = part end
each_chunk(folded, 1000, function(...) call('HDEL', K.partials(id), ...) end)
call('HSET', K.partials(id), 'accumulator', accumulator)
t.folded = call('HINCRBY', K.task(id), 'folded', 1)
away(t, job, row)
event(id, 'folded ' .. finish .. '/' .. t.parts)
reduce_if_full(t)
join(t)
return 'ok'
