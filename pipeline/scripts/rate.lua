-- May this owner ask once more? ARGV: -, -, owner, µs that a request costs, most of them at once. Answers: 1 or 0, requests
-- left, and µs until the next may come or all are free again. The generic cell rate algorithm: one number an owner.
local at = clock[1] * 1000000 + clock[2]
local cost, burst = tonumber(ARGV[4]), tonumber(ARGV[5])
local paid = math.max(tonumber(call('GET', K.rate(ARGV[3])) or '0'), at)
local after = paid + cost
local room = at + burst * cost - after
if room < 0 then return {0, 0, math.ceil(-room)} end
call('SET', K.rate(ARGV[3]), string.format('%.0f', after), 'PX', math.ceil((after - at) / 1000) + 1000)
return {1, math.floor(room / cost), math.ceil(after - at)}
