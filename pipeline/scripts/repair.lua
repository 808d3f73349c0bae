-- with: ledger work
-- What a hand (XDEL, XACK, DEL) or a lost failover took from live tasks is put back. ARGV: share, -, then tasks.
-- Answers how many jobs. A row is the truth (I1); a job that is held and no longer pending is put again, its holder learns lost.
local repaired = 0
local delivered = {}                    -- place → the last id that the group has handed out, as {ms, sequence}
local function halves(entry)
  local ms, sequence = string.match(entry, '^(%d+)-(%d+)$')
  return {tonumber(ms), tonumber(sequence)}
end
local function was_delivered(row)
  local last = delivered[row.place]
  if not last then
    for _, group in ipairs(call('XINFO', 'GROUPS', K.jobs(row.place))) do   -- each begins with its name
      for i = 3, #group, 2 do
        if group[2] == G and group[i] == 'last-delivered-id' then last = halves(group[i + 1]) end
      end
    end
    delivered[row.place] = last
  end
  local entry = halves(row.entry)
  return entry[1] < last[1] or entry[1] == last[1] and entry[2] <= last[2]
end
-- Nobody will ever be given this entry: it is gone, or it was handed out and is not pending any more.
local function missing(row)
  local stream = K.jobs(row.place)
  if #call('XRANGE', stream, row.entry, row.entry) == 0 then return true end
  return #call('XPENDING', stream, G, row.entry, row.entry, 1) == 0 and (row.holder ~= '-' or was_delivered(row))
end
local function mend(t)
  local any = false
  for job, row in pairs(rows(t)) do
    any = true
    if row.entry == 'later' then
      if not call('ZSCORE', K.later, t.id .. ' ' .. job) then call('ZADD', K.later, now, t.id .. ' ' .. job); repaired = repaired + 1 end
    elseif missing(row) then
      unput(t, job, row)
      again(t, job, row.attempts, row.interruptions)
      note(t.id, 'repair ' .. job)
      repaired = repaired + 1
    end
  end
  if not any and call('EXISTS', ring_of(t)) == 0 then t.ring = nil end   -- the ring itself was deleted
  join(t)
end
admit()
for i = 3, #ARGV do
  local t = task(ARGV[i])
  if live(t) and (t.parts > 1 or t.state == 'running' or call('HEXISTS', K.task(t.id), 'p0') == 1
    or call('EXISTS', ring_of(t)) == 0) then mend(t) end
end
return repaired
