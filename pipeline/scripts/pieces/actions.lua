-- For scripts that do what a person asked for: who did what is written in the same step as the deed.
local function acted(action, by, request_id, ...)
  call('XADD', K.audit, 'MAXLEN', '~', 100000, '*', 'action', action, 'by', by or '', 'request_id', request_id or '', ...)
end
-- A person gives a task up, and says why, or does not.
local function give_up(t, reason)
  if (reason or '') == '' then return final(t, 'cancelled', '') end
  final(t, 'cancelled', '', 'cancel_reason', reason)
end
-- What the audit tells of a task that has ended and of which nobody can ask any more.
local AUDITED = {'kind', 'owner', 'by', 'versions', 'sha256', 'seed', 'priority', 'parts', 'submitted_at', 'started_at', 'finished_at',
  'attempts', 'interruptions', 'batch', 'rerun_of', 'request_id', 'traceparent', 'consumer'}
