-- with: ledger work
-- End tasks of one part with their results. ARGV: share, consumer, then token, task, job, child, ran_ms, result for each.
-- Answers ok or lost for each. Keeps I1, I4, I5, I17. The hottest script: it reads only the fields that it needs.
admit()
local out = {}
for i = 3, #ARGV, 6 do
  local token, id, job, child, ran_ms, result = unpack(ARGV, i, i + 5)
  local v = redis.pcall('HMGET', K.task(id), 'p0', 'state', 'kind', 'owner', 'priority', 'batch', 'submitted_at', 'started_at', 'result_ttl_s', 'deadline', 'limit_at')
  local row = parse(v[1])
  if row and row.token == token and row.holder ~= '-' then
    local t = {id = id, state = v[2], kind = v[3], owner = v[4], priority = v[5], batch = v[6] or nil,
      submitted_at = v[7], started_at = v[8], result_ttl_s = v[9]}
    drop(row.place, row.entry)
    call('HDEL', K.task(id), 'p0')
    if v[10] then call('ZREM', K.later, id .. ' deadline') end
    if v[11] then call('ZREM', K.later, id .. ' limit') end
    local ttl_ms = settle(t, 'succeeded', '', 'result', result)
    if row.place ~= t.priority then                          -- put again: it has a history, and a time limit
      call('PEXPIRE', K.history(id), ttl_ms + 60000)
    end
    share(t, -1)
    span(id, job, child, ran_ms, 'done')
    out[#out + 1] = 'ok'
  else
    out[#out + 1] = 'lost'
  end
end
return out
