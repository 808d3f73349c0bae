-- with: actions
-- Pause a priority: nothing of it is taken, what runs goes on. ARGV: -, -, priority, JSON: who, why, when; by, request_id.
call('HSET', K.paused, ARGV[3], ARGV[4])
acted('queue.pause', ARGV[5], ARGV[6], 'priority', ARGV[3], 'reason', cjson.decode(ARGV[4]).reason)
return 'ok'
