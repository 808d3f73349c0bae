-- with: ledger work
-- Store partials. ARGV: share, consumer, then token, task, job, child, ran_ms, partial for each. Answers ok or lost for each.
-- Keeps I2 (a partial is written once, by the holder), I3 (a full wave gets one reduce job), I17.
admit()
local out = {}
for i = 3, #ARGV, 6 do
  local token, id, job, child, ran_ms, partial = unpack(ARGV, i, i + 5)
  local t = task(id)
  local row = held(t, job, token)
  if row then
    local part = tonumber(string.sub(job, 2))
    away(t, job, row)
    if type(redis.pcall('HSET', K.partials(id), part, partial)) ~= 'number' then    -- no hash: a hand was there
      call('DEL', K.partials(id))
      call('HSET', K.partials(id), part, partial)
    end
    t.done = call('HINCRBY', K.task(id), 'done', 1)
    local wave = wave_of(t, part)
    call('HINCRBY', K.partials(id), 'wave:' .. wave, 1)
    if wave == t.folded then reduce_if_full(t) end          -- takes the slot that its last part frees
    join(t)
    progressed[id] = t
    span(id, job, child, ran_ms, 'done')
    out[#out + 1] = 'ok'
  else
    out[#out + 1] = 'lost'
  end
end
return out
