-- What is kept of every API key, or of one. ARGV: -, -, id or ''.
if ARGV[3] == '' then return call('HVALS', K.apikeys) end
local kept = call('HGET', K.apikeys, ARGV[3])
return {kept or nil}
