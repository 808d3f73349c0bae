-- with: ledger
-- Tasks that ended per second, over this minute and the last. Answers a number as text.
local minute, ended = math.floor(now / 60000), 0
for _, at in ipairs({minute - 1, minute}) do
  local counted = call('HGETALL', K.minute(minute_name(at)))
  for i = 1, #counted, 2 do
    local what = string.match(counted[i], ':(%a+)$')
    if what == 'succeeded' or what == 'failed' or what == 'cancelled' then ended = ended + (tonumber(counted[i + 1]) or 0) end
  end
end
return tostring(ended / (60 + (now - minute * 60000) / 1000))
