-- with: ledger work
-- What a hand (XDEL, XACK, DEL) or a lost failover took from live tasks is put back. ARGV: share, -, then tasks.
-- Answers how many jobs. A row is the truth (I1); a job that is held and no longer pending is put again, its holder learns lost.
local repaired = 0
local function missing(row)
  local stream = K.jobs(row.place)
  if #call('XRANGE', stream, row.entry, row.entry) == 0 then return true end
  return row.holder ~= '-' and #call('XPENDING', stream, G, row.entry, row.entry, 1) == 0
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
