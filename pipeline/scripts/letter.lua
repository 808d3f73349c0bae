-- One dead letter. ARGV: -, -, owner or '' for anybody's, its id. Answers its words; nil where there is none, or it is another's.
local entry = call('XRANGE', K.dead, ARGV[4], ARGV[4])[1]
if not entry then return nil end
if ARGV[3] ~= '' and redis.pcall('HGET', K.task(entry[2][2]), 'owner') ~= ARGV[3] then return nil end
return entry[2]
