-- Every consumer name that the group knows, on any stream.
local seen, found = {reaper = true}, {}
for _, place in ipairs(PLACES) do
  for _, known in ipairs(redis.pcall('XINFO', 'CONSUMERS', K.jobs(place), G)) do   -- no stream yet: nobody
    if not seen[known[2]] then seen[known[2]] = true; found[#found + 1] = known[2] end
  end
end
return found
