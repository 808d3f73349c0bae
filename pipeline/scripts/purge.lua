-- with: ledger work
-- Remove the record of a finished task. ARGV: -, -, task. Answers ok, unknown, or the state that forbids it.
local t = task(ARGV[3])
if not t then return 'unknown' end
if live(t) or t.state == 'scheduled' then return t.state end
local error = call('HGET', K.task(t.id), 'error')
local code = error and cjson.decode(error).code or '-'
call('ZREM', K.expires, table.concat({t.id, t.kind, t.owner, t.state, t.batch or '-', code}, ' '))
erase(t.id, t.kind, t.owner, t.state, t.batch or '-', code)
return 'ok'
