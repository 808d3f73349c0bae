-- For scripts that answer records: the fields of a task in the order in which verbs.py reads them.
local RECORD = {'state', 'kind', 'owner', 'priority', 'parts', 'done', 'submitted_at', 'started_at', 'finished_at',
  'result_ttl_s', 'not_before', 'attempts', 'interruptions', 'label', 'batch', 'request_id', 'seed', 'versions', 'sha256',
  'consumer', 'custom_id', 'metadata', 'rerun_of', 'rerun_sha256', 'estimated', 'stop', 'estimate', 'result', 'error', 'webhook', 'p0'}
local LISTED = {unpack(RECORD)}            -- results are left out: two hundred of them may be large
local RESULT
for i, name in ipairs(LISTED) do if name == 'result' then LISTED[i], RESULT = '', i end end
local function record(id, names)
  local fields = redis.pcall('HMGET', K.task(id), unpack(names or RECORD))    -- no hash: no record either
  if not (fields[1] and fields[2] and fields[3] and fields[4] and fields[5] and fields[7]) then return nil end
  table.insert(fields, 1, id)
  return fields
end
