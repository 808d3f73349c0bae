-- How far the audit reaches. Answers seq, sha256, events, actions, anchored_at; nil where there is none.
return call('HMGET', K.audithead, 'seq', 'sha256', 'events', 'actions', 'anchored_at')
