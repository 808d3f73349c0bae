-- Per priority: jobs that nobody holds, jobs held, the time of the oldest that waits, and who paused it. ARGV: -, -.
local out = {}
for _, priority in ipairs(PRIORITIES) do
  local length, held, oldest = 0, 0, ''
  for _, place in ipairs({priority, priority .. ':again'}) do
    local pending = call('XPENDING', K.jobs(place), G)
    length, held = length + call('XLEN', K.jobs(place)), held + pending[1]
    -- What was read is before what was not: the first unread entry follows the newest pending one.
    local first = call('XRANGE', K.jobs(place), pending[3] and '(' .. pending[3] or '-', '+', 'COUNT', 1)[1]
    local ms = first and string.match(first[1], '^%d+')
    if ms and (oldest == '' or tonumber(ms) < tonumber(oldest)) then oldest = ms end
  end
  out[#out + 1] = {priority, length - held, held, oldest, call('HGET', K.paused, priority) or ''}
end
return out
