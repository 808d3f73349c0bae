-- The complete data of a task. ARGV: -, -, task.
return call('HGET', K.task(ARGV[3]), 'data')
