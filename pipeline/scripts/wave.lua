-- with: ledger work
-- What a reduce job works on. ARGV: -, -, token, task, job. Answers nil (no longer held), or accumulator, last | more,
-- and the wave's partials in part order (I9); for the job x just the accumulator.
local token, id, job = ARGV[3], ARGV[4], ARGV[5]
local t = task(id)
if not held(t, job, token) then return nil end
local accumulator = call('HGET', K.partials(id), 'accumulator') or ''
if job == 'x' then return {accumulator, 'last', {}} end
local start, finish = wave_span(t, t.folded)
local partials = {}
for part = start, finish - 1 do
  local partial = call('HGET', K.partials(id), part)
  if not partial then return redis.error_reply('BROKEN partial ' .. part .. ' of task ' .. id .. ' is missing') end
  partials[#partials + 1] = partial
end
return {accumulator, finish == t.parts and 'last' or 'more', partials}
