-- Resume a priority. ARGV: -, -, priority. Answers 1, or 0 when it was not paused.
return call('HDEL', K.paused, ARGV[3])
