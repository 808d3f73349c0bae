-- with: record
-- The record of a task. ARGV: -, -, task.
return record(ARGV[3])
