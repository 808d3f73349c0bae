-- How many tasks are in each state. ARGV: -, -, owner or '', then states.
local out = {}
for i = 4, #ARGV do
  out[#out + 1] = call('ZCARD', ARGV[3] == '' and K.index_state(ARGV[i]) or K.index_owner(ARGV[3], ARGV[i]))
end
return out
