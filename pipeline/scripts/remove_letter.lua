-- Remove dead letters. ARGV: -, -, their ids. Answers how many there were.
return call('XDEL', K.dead, unpack(ARGV, 3))
