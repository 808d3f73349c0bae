-- Reset the idle time of held jobs, each only while it is still ours (I13). ARGV: -, consumer, then tokens.
-- Answers the tokens that are not. JUSTID leaves the delivery count alone.
local lost = {}
for i = 3, #ARGV do
  local place, entry = string.match(ARGV[i], '^([%a:]+)/(%S+)$')
  if #call('XPENDING', K.jobs(place), G, entry, entry, 1, ME) == 1 then
    call('XCLAIM', K.jobs(place), G, ME, 0, entry, 'JUSTID')
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
