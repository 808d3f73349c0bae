-- Who computed the jobs of a task, newest first. ARGV: -, -, task, how many entries to look through.
local found, wanted = {}, ARGV[3] .. ' '
for _, entry in ipairs(call('XREVRANGE', K.spans, '+', '-', 'COUNT', ARGV[4])) do
  local words = entry[2]
  for i = 3, #words, 2 do
    if string.sub(words[i], 1, #wanted) == wanted then found[#found + 1] = {words[2], string.sub(words[i], #wanted + 1), words[i + 1]} end
  end
end
return found
