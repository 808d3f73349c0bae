-- with: ledger work
-- Store partials. ARGV: share, consumer, then token, task, job, child, ran_ms, partial for each. Answers ok or lost for each.
-- Keeps I2 (a partial is written once, by the holder), I3 (a full wave gets one reduce job), I17.
-- The parts of one task are stored together.
admit()
local out, ids, of = {}, {}, {}         -- answers; tasks in order; task → where in ARGV its parts are
for at = 3, #ARGV, 6 do
  out[#out + 1] = 'lost'
  if not of[ARGV[at + 1]] then ids[#ids + 1] = ARGV[at + 1] end
  collect(of, ARGV[at + 1], at)
end
local function held_of(t, all)          -- those that are held, off their places: part → where
  local jobs, parts, n = {}, {}, 0
  for i, at in ipairs(all) do jobs[i] = ARGV[at + 2] end
  local found = redis.pcall('HMGET', rows_of(t), unpack(jobs))
  for i, at in ipairs(all) do
    local row, part = parse(found[i]), tonumber(string.sub(jobs[i], 2))
    if is_held(row, ARGV[at]) and not parts[part] then
      unput(t, jobs[i], row)
      parts[part] = at
      n = n + 1
      out[(at + 3) / 6] = 'ok'
      span(t.id, jobs[i], ARGV[at + 3], ARGV[at + 4], 'done')
    end
  end
  return parts, n
end
local function store(t, parts, n)
  local gone, partials, waves = {}, {}, {}
  for part, at in pairs(parts) do
    local wave = wave_of(t, part)
    waves[wave] = (waves[wave] or 0) + 1
    gone[#gone + 1] = ARGV[at + 2]
    partials[#partials + 1] = part; partials[#partials + 1] = ARGV[at + 5]
  end
  call('HDEL', rows_of(t), unpack(gone))
  share(t, -n)
  if type(redis.pcall('HSET', K.partials(t.id), unpack(partials))) ~= 'number' then     -- no hash: a hand was there
    call('DEL', K.partials(t.id))
    call('HSET', K.partials(t.id), unpack(partials))
  end
  t.done = call('HINCRBY', K.task(t.id), 'done', n)
  for wave, stored in pairs(waves) do call('HINCRBY', K.partials(t.id), 'wave:' .. wave, stored) end
  if waves[t.folded] then reduce_if_full(t) end             -- takes the slot that its last part frees
  join(t)
  progressed[t.id] = t
end
for _, id in ipairs(ids) do
  local t = task(id)
  local parts, n = {}, 0
  if t then parts, n = held_of(t, of[id]) end
  if n > 0 then store(t, parts, n) end
end
return out
