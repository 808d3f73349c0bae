-- with: ledger work guard mend
-- Store a folded wave. ARGV: share, consumer, token, task, job, child, ran_ms, accumulator, estimate, final | '', result.
-- Answers ok or lost. Keeps I3: a wave is folded once, in order; its partials go, its successor may follow at once.
local token, id, job, child, ran_ms, accumulator, estimate, verdict, result = unpack(ARGV, 3, 11)
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
if estimate ~= '' then call('HSET', K.task(id), 'estimate', estimate) end
if verdict == 'final' then
  if t.stop then call('HDEL', K.task(id), 'stop') end       -- a deadline that changed nothing: it is the whole result
  final(t, 'succeeded', '', 'result', result)
  return 'ok'
end
local start, finish = wave_span(t, t.folded)
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
