-- Remove a dead letter. ARGV: -, -, its id. Answers how many there were.
return call('XDEL', K.dead, ARGV[3])
