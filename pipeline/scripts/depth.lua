-- Per priority: jobs that nobody holds (XLEN minus pending), jobs held.
local out = {}
for _, priority in ipairs(PRIORITIES) do
  local length, held = 0, 0
  for _, place in ipairs({priority, priority .. ':again'}) do
    length = length + call('XLEN', K.jobs(place))
    held = held + call('XPENDING', K.jobs(place), G)[1]
  end
  out[#out + 1] = {priority, length - held, held}
end
return out
