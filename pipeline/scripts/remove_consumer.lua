-- Remove a dead consumer's name, only while it holds nothing on any stream (I14): DELCONSUMER forgets what it holds.
-- ARGV: -, -, name; or -, name, name: one that stops takes its own away. Answers ok, alive or holds.
local name = ARGV[3]
if ME == name then call('DEL', K.consumer(name)) end
if call('EXISTS', K.consumer(name)) == 1 then return 'alive' end
for _, place in ipairs(PLACES) do
  if #call('XPENDING', K.jobs(place), G, '-', '+', 1, name) > 0 then return 'holds' end
end
for _, place in ipairs(PLACES) do call('XGROUP', 'DELCONSUMER', K.jobs(place), G, name) end
return 'ok'
