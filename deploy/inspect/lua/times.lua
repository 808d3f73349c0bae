-- Median and 95th percentile from histograms: bucket b counts from 1.12^b to 1.12^(b+1) ms. KEYS: minutes.
local counts, all, out = {}, {}, {}
for _, key in ipairs(KEYS) do
  local f = redis.call("HGETALL", key)
  for i = 1, #f, 2 do
    local what, bucket = string.match(f[i], "^(.+):(%d+)$")
    if what then
      bucket = tonumber(bucket)
      counts[what] = counts[what] or {}
      counts[what][bucket] = (counts[what][bucket] or 0) + f[i + 1]
      all[what] = (all[what] or 0) + f[i + 1]
    end
  end
end
for what, histogram in pairs(counts) do
  local line, seen, wanted = what, 0, {0.5, 0.95}
  for bucket = 0, 400 do
    seen = seen + (histogram[bucket] or 0)
    while wanted[1] and seen >= wanted[1] * all[what] do
      line = line .. " " .. wanted[1] * 100 .. " % under " .. math.ceil(1.12 ^ (bucket + 1)) .. " ms,"
      table.remove(wanted, 1)
    end
  end
  out[#out + 1] = line .. " of " .. all[what]
end
table.sort(out)
return out
