-- Who computed what, newest first, whatever the task. ARGV: -, -, the newest and the oldest entry to look at, how many jobs,
-- '' or bare (without the last).
-- Answers the oldest entry that was looked at ('' when that was all), the newest ('' for none), the jobs as {consumer, task and job, how}, and owner and
-- kind of each task that has a record.
local left, from, newest, jobs, known = tonumber(ARGV[5]), ARGV[3], '', {}, {}
local function look(id)
  if known[id] or ARGV[6] == 'bare' then return end
  local v = redis.pcall('HMGET', K.task(id), 'owner', 'kind')
  known[id] = {id, v[1] or '', v[2] or ''}
end
while left > 0 do
  local page = call('XREVRANGE', K.spans, from, ARGV[4], 'COUNT', 10)
  for _, entry in ipairs(page) do
    local words = entry[2]
    if newest == '' then newest = entry[1] end
    for i = 3, #words - 1, 2 do
      jobs[#jobs + 1] = {words[2], words[i], words[i + 1]}
      look(string.match(words[i], '^%S*'))
    end
    left, from = left - (#words - 2) / 2, '(' .. entry[1]
    if left <= 0 then break end
  end
  if left > 0 and #page < 10 then from = ''; break end
end
local tasks = {}
for _, about in pairs(known) do tasks[#tasks + 1] = about end
return {from, newest, jobs, tasks}
