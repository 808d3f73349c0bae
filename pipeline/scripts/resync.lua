-- with: ledger work guard
-- Jobs that this consumer holds and does not know: the reply of its take was lost. Their attempt is not counted again.
-- ARGV: share, consumer, then the tokens that it knows. Answers: now, the jobs. Read but never begun: put again.
local known, found = {}, {}
for i = 3, #ARGV do known[ARGV[i]] = true end
for _, place in ipairs(PLACES) do
  for _, pending in ipairs(call('XPENDING', K.jobs(place), G, '-', '+', 1000, ME)) do
    local token = place .. '/' .. pending[1]
    local read = not known[token] and call('XRANGE', K.jobs(place), pending[1], pending[1])[1]
    if read then
      local t, job, row = named(place, pending[1], read[2])
      if t and row.holder == '-' then unput(t, job, row); again(t, job, row.attempts, row.interruptions)
      elseif t then
        local more = call('HMGET', K.task(t.id), 'time_limit_s', 'data')
        if more[2] then found[#found + 1] = told(t, row, job, row.attempts, more[2], more[1]) else lose(t, 'the data') end
      end
    end
  end
end
return {now, found}
