-- How much of its maxmemory the store uses. Answers a number as text. What the server itself leaves out of the
-- comparison (buffers of replicas and of its file) is left out here.
local memory = call('INFO', 'memory')
local function figure(name) return tonumber(string.match(memory, '\n' .. name .. ':(%d+)') or '0') end
local most = figure('maxmemory')
if most == 0 then return '0' end
return tostring((figure('used_memory') - figure('mem_not_counted_for_evict')) / most)
