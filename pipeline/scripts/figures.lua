-- What is counted nowhere else: dead letters, the newest event, and how far the audit has read. ARGV: none.
local newest = call('XREVRANGE', K.events, '+', '-', 'COUNT', 1)[1]
return {call('XLEN', K.dead), newest and newest[1] or '0-0', call('HGET', K.audithead, 'events') or ''}
