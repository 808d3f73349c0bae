-- with: ledger work
-- Jobs that this consumer holds and does not know: the reply of its take was lost. Their attempt is not counted again.
-- ARGV: share, consumer, then the tokens that it knows. Read but never begun: put again.
local known, found = {}, {}
for i = 3, #ARGV do known[ARGV[i]] = true end
for _, place in ipairs(PLACES) do
  for _, pending in ipairs(call('XPENDING', K.jobs(place), G, '-', '+', 1000, ME)) do
    local token = place .. '/' .. pending[1]
    local read = not known[token] and call('XRANGE', K.jobs(place), pending[1], pending[1])[1]
    if read then
      local id, job = read[2][2], read[2][4]
      local t = task(id)
      local row = t and row_of(t, job)
      if not row or row.token ~= token then drop(place, pending[1])
      elseif row.holder == '-' then unput(t, job, row); again(t, job, row.attempts, row.interruptions)
      else
        local more = call('HMGET', K.task(id), 'time_limit_s', 'data')
        found[#found + 1] = told(t, row, job, row.attempts, more[2], more[1])
      end
    end
  end
end
return found
