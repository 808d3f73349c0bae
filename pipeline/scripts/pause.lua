-- Pause a priority: nothing of it is taken, what runs goes on. ARGV: -, -, priority, JSON: who, why, when.
call('HSET', K.paused, ARGV[3], ARGV[4])
return 'ok'
