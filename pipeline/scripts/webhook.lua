-- The record of a delivery. ARGV: -, -, id of its task or batch. Nil when there is none.
local fields = redis.pcall('HGETALL', K.webhook(ARGV[3]))
return #fields > 0 and fields or nil
