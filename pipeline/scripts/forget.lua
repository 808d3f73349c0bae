-- with: ledger work
-- Remove finished tasks that are due. ARGV: -, -, how many. Answers how many. The member says what the indexes hold,
-- so they are cleaned even when the record has gone by itself (I6, I16).
local due = call('ZRANGEBYSCORE', K.expires, '-inf', now, 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do
  if string.find(member, '^%S+ %S+ %S+ %S+ %S+ %S+$') then erase(string.match(member, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')) end
end
each_chunk(due, 1000, function(...) call('ZREM', K.expires, ...) end)
return #due
