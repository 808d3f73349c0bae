-- For scripts that read entries and records: a hand can write anything there, and none of it may stop the rest.
local UTF8 = {'^[ -~]+', '^[\194-\223][\128-\191]', '^\224[\160-\191][\128-\191]', '^[\225-\236\238\239][\128-\191][\128-\191]',
  '^\237[\128-\159][\128-\191]', '^\240[\144-\191][\128-\191][\128-\191]', '^[\241-\243][\128-\191][\128-\191][\128-\191]',
  '^\244[\128-\143][\128-\191][\128-\191]'}
local function readable(text, most)     -- what is no UTF-8, and what does not print, as \xNN
  local out, at, length = {}, 1, 0
  text = string.sub(text, 1, most)
  while at <= #text and length < most do
    local good
    for i = 1, #UTF8 do good = good or string.match(text, UTF8[i], at) end
    out[#out + 1] = good or string.format('\\x%02x', string.byte(text, at))
    at, length = at + (good and #good or 1), length + #out[#out]
  end
  return table.concat(out)
end
local function spelt(words)             -- the words of an entry as JSON text, cut to about 1,000 characters
  local out, left = {}, 1000
  for _, word in ipairs(words) do
    if left <= 0 then break end
    out[#out + 1] = readable(word, left)
    left = left - #out[#out] - 3
  end
  return cjson.encode(out)
end
-- The record is gone, so nothing of the task can be computed or told: what is left of it goes, and who waits is woken.
local function gone(id, kind, owner)
  if string.find(id, '[^%w_-]') then return end             -- it would name a key of another task
  local unfinished = false
  for _, state in ipairs({'scheduled', 'queued', 'running'}) do
    unfinished = unfinished or call('ZSCORE', K.index_state(state), id)
    collect(removes, K.index_state(state), id)
    if owner then collect(removes, K.index_owner(owner, state), id) end
  end
  if kind then collect(removes, K.index_kind(kind), id) end
  call('DEL', K.task(id), K.rows(id), K.partials(id), K.history(id), K.curve(id))
  call('ZREM', K.later, id, id .. ' deadline', id .. ' limit')
  if unfinished then event(id, 'failed') end
end
local function stray(words)             -- an entry that no task of ours has put
  call('XADD', K.dead, 'MAXLEN', '~', 10000, '*', 'task', '-', 'kind', '-', 'job', '-', 'attempts', 0, 'interruptions', 0,
    'consumer', '-', 'cause', cjson.encode({code = 'stray', message = 'An entry that no task has put was taken off its stream.'}),
    'words', spelt(words))
  if words[1] == 'task' and words[7] == 'kind' and words[9] == 'owner' and not task(words[2]) then gone(words[2], words[8], words[10]) end
end
local function possible(t, job)         -- could a task like this have this job?
  local letter, n = string.match(job, '^([prx])(%d*)$')
  if letter == 'x' then return t.parts > 1 and n == '' end
  return letter and n ~= '' and tonumber(n) < t.parts and (letter == 'p' or t.parts > 1)
end
-- The task, job and row of an entry. Nil when no row names it: then it is off its stream. The leftover of a job that has
-- moved on goes without a word, anything else leaves a dead letter.
local function named(place, entry, words)
  local id, job = words[2], words[4]
  local ours = words[1] == 'task' and words[3] == 'job' and job
  local t = ours and task(id)
  local row = t and row_of(t, job)
  if row and row.token == place .. '/' .. entry then return t, job, row end
  drop(place, entry)
  if not (t and possible(t, job)) then stray(words) end
  return nil
end
local function lose(t, what)            -- what it needs is not in the store any more
  final(t, 'failed', 'lost', 'error', cjson.encode({code = 'lost', message = 'The store has lost ' .. what .. ' of this task.'}))
end
