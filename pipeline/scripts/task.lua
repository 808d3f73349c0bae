-- with: record
-- The record of a task. ARGV: -, -, task.
RECORD[#RECORD + 1] = 'cancel_reason'    -- which few tasks have, and no other script asks for
return record(ARGV[3])
