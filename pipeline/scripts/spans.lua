-- Who computed the jobs of a task, newest first. ARGV: -, -, task, how many spans to look through.
-- An entry holds what one call ended, up to 256 jobs: it is jobs that are counted, else a look could take 100 ms.
local found, wanted, left, from = {}, ARGV[3] .. ' ', tonumber(ARGV[4]), '+'
while left > 0 do
  local page = call('XREVRANGE', K.spans, from, '-', 'COUNT', 10)
  if #page == 0 then break end
  for _, entry in ipairs(page) do
    local words = entry[2]
    for i = 3, #words, 2 do
      if string.sub(words[i], 1, #wanted) == wanted then found[#found + 1] = {words[2], string.sub(words[i], #wanted + 1), words[i + 1]} end
    end
    left, from = left - (#words - 2) / 2, '(' .. entry[1]
  end
end
return found
