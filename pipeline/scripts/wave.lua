-- with: ledger work guard mend
-- What a reduce job works on. ARGV: -, -, token, task, job. Answers nil (no longer held), or accumulator, last | more,
-- and the wave's partials in part order (I9); for the job x just the accumulator.
-- Where a hand has taken something of that, the task is mended: then this job is not to be done now.
local token, id, job = ARGV[3], ARGV[4], ARGV[5]
local t = task(id)
if not held(t, job, token) then return nil end
local accumulator = redis.pcall('HGET', K.partials(id), 'accumulator')
local start, finish = wave_span(t, t.folded)
local partials, whole = {}, not t.unplanned and type(accumulator) ~= 'table' and (accumulator ~= false) == (t.folded > 0)
local wanted = {}
for part = start, whole and job ~= 'x' and finish - 1 or start - 1 do wanted[#wanted + 1] = part end
each_chunk(wanted, 1000, function(...)
  for _, partial in ipairs(call('HMGET', K.partials(id), ...)) do partials[#partials + 1] = partial or nil end
end)
if not whole or job ~= 'x' and #partials < finish - start or job ~= 'x' and job ~= 'r' .. t.folded then
  mend(t)
  return nil
end
return {accumulator or '', (job == 'x' or finish == t.parts) and 'last' or 'more', partials}
