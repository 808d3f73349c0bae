-- Where the first job of a task stands. ARGV: -, -, task, how many to look through before it. Answers nil for no record, else one of
-- ring, how many of its owner's tasks stand before it ('' where it is none of so many);
-- stream, how many jobs of its stream that nobody holds are before it; later, when its time comes (ms); held; none.
local id, most = ARGV[3], tonumber(ARGV[4])
local v = redis.pcall('HMGET', K.task(id), 'parts', 'priority', 'owner', 'p0', 'state')
if not (v[1] and v[2] and v[3]) then return nil end
local row = v[1] == '1' and v[4] or redis.pcall('HGET', K.rows(id), 'p0')
local place, entry, holder = string.match(type(row) == 'string' and row or '', '^([%a:]+)/(%S+) %d+ %d+ (%S+)$')
if not place then
  local before = redis.pcall('LPOS', K.ring(v[2], v[3]), id, 'MAXLEN', most)
  return type(before) == 'number' and {'ring', before} or {v[5] == 'queued' and 'ring' or 'none', ''}
end
if entry == 'later' then return {'later', call('ZSCORE', K.later, id .. ' p0') or ''} end
if holder ~= '-' then return {'held', ''} end
local newest = call('XPENDING', K.jobs(place), G)[3]
local before = redis.pcall('XRANGE', K.jobs(place), newest and '(' .. newest or '-', '(' .. entry, 'COUNT', math.min(most, 1000))
return {'stream', before.err and 0 or #before}
