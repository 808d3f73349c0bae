-- The key of the hash in task ids. ARGV: -, -, the key to begin with when there is none.
call('SET', K.idkey, ARGV[3], 'NX')
return call('GET', K.idkey)
