-- with: ledger work guard
-- Take abandoned jobs from their holders and put them again, in this one script: nobody claims for himself and begins later.
-- ARGV: share, -, lease_ms, how many, interruptions allowed, pause_ms. Answers each: task, job, kind, owner, who held it,
-- attempts, interruptions, what became of it, request_id, traceparent.
-- An interruption is not an attempt (I12); the first goes back at once, later ones wait, so that a job that
-- takes its consumer down does not do so without pause.
local lease_ms, limit, max_interruptions, pause_ms = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local reaped, looked = {}, 0
local function tell(t, job, row, from, became)
  reaped[#reaped + 1] = {t.id, job, t.kind, t.owner, from, row.attempts, row.interruptions, became, t.request_id or '', t.traceparent or ''}
end
local function reap(place, entry, words)
  looked = looked + 1
  local t, job, row = named(place, entry, words)
  if not t then return end
  local id = t.id
  local from = row.holder
  if row.holder == '-' then                                 -- read, never begun
    unput(t, job, row)
    tell(t, job, row, from, 'again')
    return again(t, job, row.attempts, row.interruptions)
  end
  if row.interruptions >= max_interruptions then
    tell(t, job, row, from, 'buried')
    return bury(t, job, row, cjson.encode({code = 'interrupted', message = 'Job ' .. job .. ' was interrupted ' .. row.interruptions
      .. ' times: each time its consumer went away.'}), 'interrupted')
  end
  row.attempts, row.interruptions = row.attempts - 1, row.interruptions + 1
  call('HINCRBY', K.task(id), 'interruptions', 1)
  note(id, 'reap ' .. job .. ' from ' .. row.holder)
  event(id, 'reaped ' .. job)
  count(t.kind .. ':reaped')
  tell(t, job, row, from, row.interruptions == 1 and 'again' or 'later')
  if row.interruptions == 1 then
    unput(t, job, row)
    again(t, job, row.attempts, row.interruptions)
  else
    postpone(t, job, row, pause_ms, row.interruptions - 2)
  end
end
admit()
for _, place in ipairs(PLACES) do
  local cursor = '0-0'
  repeat                                                    -- to the end: the head may be full of jobs that are held
    local claimed = call('XAUTOCLAIM', K.jobs(place), G, 'reaper', lease_ms, cursor, 'COUNT', 100)
    cursor = claimed[1]
    for _, read in ipairs(claimed[2]) do
      if read and read[2] then reap(place, read[1], read[2]) end
    end
  until cursor == '0-0' or looked >= limit
end
return reaped
