-- Redis' time in ms (I15).
return now
