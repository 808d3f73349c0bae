-- with: actions
-- Resume a priority. ARGV: -, -, priority, by, request_id. Answers 1, or 0 when it was not paused.
local was = call('HDEL', K.paused, ARGV[3])
if was == 1 then acted('queue.resume', ARGV[4], ARGV[5], 'priority', ARGV[3]) end
return was
