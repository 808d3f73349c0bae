-- For scripts that do what a person asked for: who did what is written in the same step as the deed.
local function acted(action, by, request_id, ...)
  call('XADD', K.audit, 'MAXLEN', '~', 100000, '*', 'action', action, 'by', by or '', 'request_id', request_id or '', ...)
end
-- What the audit tells of a task that has ended, in the order in which pipeline/trail.py reads it.
local AUDITED = {'kind', 'owner', 'by', 'versions', 'sha256', 'seed', 'priority', 'parts', 'submitted_at', 'started_at', 'finished_at',
  'attempts', 'interruptions', 'batch', 'rerun_of', 'request_id', 'traceparent', 'consumer', 'error'}
local function audited(id)              -- these; then the bytes of its data, and its result
  local key = K.task(id)
  local fields = redis.pcall('HMGET', key, unpack(AUDITED))             -- no hash: no record either
  if not fields[1] then return {} end
  fields[#fields + 1] = call('HSTRLEN', key, 'data')
  fields[#fields + 1] = call('HGET', key, 'result')
  return fields
end
