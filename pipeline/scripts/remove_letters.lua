-- with: actions
-- Remove dead letters. ARGV: -, -, by, request_id, their ids. Answers how many there were.
local removed = 0
for i = 5, #ARGV do
  if call('XDEL', K.dead, ARGV[i]) == 1 then
    removed = removed + 1
    acted('letter.remove', ARGV[3], ARGV[4], 'letter_id', ARGV[i])
  end
end
return removed
