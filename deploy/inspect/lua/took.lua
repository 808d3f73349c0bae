-- The outline of a task. KEYS: its record.
local t = redis.call("TIME")
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local r = redis.call("HMGET", KEYS[1], "state", "consumer", "submitted_at", "started_at", "finished_at")
if not r[1] then return "there is no record of it" end
local ended = r[5] or now
local began = r[4] or ended
return r[1] .. ", taken by " .. (r[2] or "nobody") .. ", waited " .. began - r[3] .. " ms, ran " .. ended - began .. " ms"
