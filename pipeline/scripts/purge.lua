-- with: ledger work actions
-- Remove the record of a finished task. ARGV: -, -, task, by, request_id, SHA-256 of its result. Answers ok, unknown, or the state that
-- forbids it. What the audit says of a task may not have been read yet, so it stands in the action.
local t = task(ARGV[3])
if not t then return 'unknown' end
if live(t) or t.state == 'scheduled' then return t.state end
local error = call('HGET', K.task(t.id), 'error')
local whole, cause = pcall(cjson.decode, error or '')
local code = whole and type(cause) == 'table' and type(cause.code) == 'string' and cause.code or '-'
call('ZREM', K.expires, table.concat({t.id, t.kind, t.owner, t.state, t.batch or '-', code}, ' '))
local kept = {}
for _, field in ipairs(AUDITED) do
  local value = call('HGET', K.task(t.id), field)
  if value then kept[field] = value end
end
kept.error_code, kept.result_sha256 = error and code or nil, ARGV[6]
acted('task.purge', ARGV[4], ARGV[5], 'task', t.id, 'state', t.state, 'record', cjson.encode(kept))
erase(t.id, t.kind, t.owner, t.state, t.batch or '-', code)
return 'ok'
