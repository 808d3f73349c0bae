-- One of the gateways exports the figures of all: the first that asks, as long as it asks. ARGV: -, -, who, for how many ms.
-- Answers 1 for that one, else 0. With 0 ms it gives that up.
local holder = call('GET', K.exporter)
if holder and holder ~= ARGV[3] and call('PTTL', K.exporter) > 0 then return 0 end   -- without an end: a hand
if ARGV[4] == '0' then return call('DEL', K.exporter) end
call('SET', K.exporter, ARGV[3], 'PX', ARGV[4])
return 1
