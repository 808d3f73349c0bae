-- Before every script: whose keys, who calls, what time it is. The keys `K` that the script names follow.
local P = KEYS[1]                       -- the prefix; its braces keep all keys on one slot, so none but this is in KEYS
local SHARE, ME = tonumber(ARGV[1]), ARGV[2]
local G = 'consumers'
local PRIORITIES = {'high', 'medium', 'low'}
local PLACES = {'high:again', 'high', 'medium:again', 'medium', 'low:again', 'low'}
local call = redis.call
local clock = call('TIME')              -- I15
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local NOW = string.format('%d', now)    -- for commands: a number would be printed anew each time
