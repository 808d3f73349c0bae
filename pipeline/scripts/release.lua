-- with: ledger work
-- Hand held jobs back at once; being stopped is not an attempt (I12). ARGV: share, consumer, then token, task, job for each.
-- Answers ok or lost for each.
admit()
local out = {}
for i = 3, #ARGV, 3 do
  local token, id, job = unpack(ARGV, i, i + 2)
  local t = task(id)
  local row = held(t, job, token)
  if row then
    unput(t, job, row)
    again(t, job, row.attempts - 1, row.interruptions)
    note(id, 'release ' .. job .. ' by ' .. ME)
    out[#out + 1] = 'ok'
  else
    out[#out + 1] = 'lost'
  end
end
return out
