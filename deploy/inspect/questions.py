"""All questions, in four groups: one task; what waits; the fleet; what has ended, and the store itself.

Lua pieces use double quotes only, so that a shell takes them in single ones.
"""

from deploy.inspect.question import About, Line, Question, line, lua
from pipeline.keys import GROUP
from pipeline.record import STATES

LONG_MS = 30_000  # a job that runs longer than this is worth a look
NOW = 'local t = redis.call("TIME") local now = t[1] * 1000 + math.floor(t[2] / 1000)'


def everything(about: About) -> dict[str, list[Question]]:
    """Heading → questions."""
    return {
        "One task": one_task(about),
        "What waits": what_waits(about),
        "The fleet": the_fleet(about),
        "What has ended": what_has_ended(about),
        "The store": the_store(about),
    }


def one_task(about: About) -> list[Question]:
    """Of the task `about.task`."""
    keys, task = about.keys, about.keys("task", about.task)
    took = f"""{NOW} local r = redis.call("HMGET", KEYS[1], "state", "consumer", "submitted_at", "started_at", "finished_at")
        if not r[1] then return "there is no record of it" end
        local began, ended = r[4] or r[5] or now, r[5] or now
        return {{r[1] .. ", taken by " .. (r[2] or "nobody"), "waited " .. (began - r[3]) .. " ms", "ran " .. (ended - began) .. " ms"}}"""
    jobs = """local out, id = {}, ARGV[1] .. " " for _, e in ipairs(redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 5000)) do
        local f = e[2] for i = 3, #f, 2 do if string.sub(f[i], 1, #id) == id then
        table.insert(out, 1, string.sub(f[i], #id + 1) .. " " .. f[2] .. " " .. f[i + 1]) end end end return out"""
    record = """local out = {} for _, f in ipairs(redis.call("HKEYS", KEYS[1])) do
        if f ~= "data" and f ~= "result" then out[#out + 1] = f .. " " .. redis.call("HGET", KEYS[1], f) end end
        table.sort(out) return out"""
    events = """local out = {} for _, e in ipairs(redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 5000)) do
        local f = e[2] for i = 1, #f, 2 do if f[i] == ARGV[1] then table.insert(out, 1, e[1] .. " " .. f[i + 1]) end end end
        return out"""
    return [
        Question("Who took it, how long did it wait and run?", lua(took, [task])),
        Question(
            "Which child did which of its jobs, from when, for how long?",
            lua(jobs, [keys("spans")], about.task),
            "Job, consumer, child, start (ms since 1970), ms, outcome. `p3` is part 3, `r1` the fold of wave 1."
            " Looks through the newest 5,000 entries.",
        ),
        Question(
            "What has happened to it?",
            lua(events, [keys("events")], about.task) + line("LRANGE", keys("history", about.task), "0", "-1"),
            "First each change of the newest 5,000 entries (an entry's id begins with its time), then what was unusual:"
            " retry, release, reap, bury, cancel, fail. A task that went well has no such line.",
        ),
        Question("Everything about it, but data and result?", lua(record, [task])),
        Question(
            "How far is it, and which of its jobs are in being?",
            line("HMGET", task, "done", "parts", "folded") + line("HGETALL", keys("rows", about.task)),
            "Parts done, parts, waves folded (empty for a task of one part, whose row is the field `p0` of its record)."
            " Then job and row: stream and entry, attempts, interruptions, holder (`-`: it waits).",
        ),
        Question(
            "What was asked, exactly?",
            line("HGET", task, "data") + line("HMGET", task, "kind", "seed", "versions", "sha256"),
            "These reproduce the result to the last bit.",
        ),
        Question(
            "What is its result, and for how many more seconds is it kept?",
            line("HGET", task, "result") + line("TTL", task),
            "-1: it has not ended. -2: there is no record. The sweeper removes it up to a minute before.",
        ),
    ]


def what_waits(about: About) -> list[Question]:
    """Streams, shares, `later`."""
    keys, streams = about.keys, about.keys.streams()
    depth = f"""local out = {{}} for _, k in ipairs(KEYS) do local held = redis.call("XPENDING", k, "{GROUP}")[1]
        out[#out + 1] = k .. " waiting " .. redis.call("XLEN", k) - held .. " held " .. held end return out"""
    oldest = f"""{NOW} local out = {{}} for _, k in ipairs(KEYS) do local g = redis.call("XINFO", "GROUPS", k)[1]
        for i = 1, #g, 2 do if g[i] == "last-delivered-id" then
        local e = redis.call("XRANGE", k, "(" .. g[i + 1], "+", "COUNT", 1)[1]
        if e then out[#out + 1] = k .. " " .. now - string.match(e[1], "%d+") .. " ms" end end end end return out"""
    behind = """local out = {} for _, s in ipairs(redis.call("HKEYS", KEYS[1])) do
        out[#out + 1] = s .. " jobs in being " .. redis.call("HGET", KEYS[1], s) .. ", tasks behind " .. redis.call("LLEN", KEYS[2] .. s)
        end return out"""
    return [
        Question(
            "How deep is each priority?",
            lua(depth, streams),
            "Waiting is XLEN minus pending. `again` holds released, retried and reduce jobs, and is read first. (XINFO's"
            " `lag` is null after deletes, so it is no use here.)",
        ),
        Question(
            "How old is the oldest waiting job?", lua(oldest, streams), "A stream on which nothing waits is not listed."
        ),
        Question(
            "How much of each owner's share is used, and how many tasks stand behind it?",
            # A field of shares is the end of the ring's key, so the ring's key without its variables is what is missing.
            lua(behind, [keys("shares"), keys("ring", "", "")[:-1]]),
            "A task stands behind once for all its parts that are not yet issued.",
        ),
        Question(
            "What waits for its time?",
            line("ZRANGE", keys("later"), "0", "9", "WITHSCORES"),
            "Retries (task and job), scheduled tasks, deadlines; then when, in ms since 1970. Nothing: an empty answer.",
        ),
        Question("Which priorities are paused, by whom, why?", line("HGETALL", keys("paused"))),
    ]


def the_fleet(about: About) -> list[Question]:
    """Consumers and their children, by their heartbeats."""
    keys, streams = about.keys, about.keys.streams()
    known = [keys("jobs", "medium"), keys("consumer", "")]  # every consumer has its name there, whatever it takes
    each = f"""for _, c in ipairs(redis.call("XINFO", "CONSUMERS", KEYS[1], "{GROUP}")) do local name = c[2]
        local h = {{}} local f = redis.call("HGETALL", KEYS[2] .. name) for i = 1, #f, 2 do h[f[i]] = f[i + 1] end"""
    fleet = f"""{NOW} local out = {{}} {each} out[#out + 1] = name .. (h.pid and " on " .. h.host .. " pid " .. h.pid .. ", version " ..
        h.version .. ", " .. h.children .. " children, beat " .. now - h.beat_at .. " ms ago" or " has no heartbeat") end return out"""
    child = f"""{NOW} local out = {{}} {each} for n = 0, (h.children or 0) - 1 do local c = cjson.decode(h["child:" .. n])
        local ran = c.since and now - c.since if (ran or -1) >= tonumber(ARGV[1]) then
        out[#out + 1] = name .. " child " .. n .. " pid " .. c.pid .. " " .. c.kind .. " " .. c.task .. " " .. c.job .. " for " .. ran .. " ms"
        elseif ARGV[1] == "-1" then out[#out + 1] = name .. " child " .. n .. " pid " .. c.pid .. " idle" end end end return out"""
    silent = f"""local out = {{}} for _, k in ipairs(KEYS) do
        for _, p in ipairs(redis.call("XPENDING", k, "{GROUP}", "IDLE", ARGV[1], "-", "+", 20)) do
        out[#out + 1] = k .. " " .. p[1] .. " of " .. p[2] .. ", silent for " .. p[3] .. " ms" end end return out"""
    return [
        Question(
            "Which consumers live?",
            lua(fleet, known),
            "Without a heartbeat for 15 s it is dead, and its name goes as soon as its jobs are reaped.",
        ),
        Question("What does each child compute now?", lua(child, known, "-1"), "As of the last heartbeat: every 2 s."),
        Question(
            "Which jobs are held for longer than 30 s, and whose are they?",
            lua(child, known, str(LONG_MS)),
            "A long job is no fault: its consumer renews it, so its idle time in the stream stays short.",
        ),
        Question(
            "Which jobs are held by somebody who is silent for a whole lease?",
            lua(silent, streams, str(about.lease_ms)),
            "Stream, entry, holder, idle time. The reaper of any consumer takes them within a few seconds.",
        ),
    ]


def what_has_ended(about: About) -> list[Question]:
    """Indexes, dead letters, counters of the last minutes."""
    keys = about.keys
    states = [keys("index_state", state) for state in STATES]
    counted = """local out = {} for _, k in ipairs(KEYS) do out[#out + 1] = string.match(k, "%a+$") .. " " .. redis.call("ZCARD", k) end
        return out"""
    newest = """local ids = {} for _, k in ipairs(KEYS) do for _, id in ipairs(redis.call("ZRANGE", k, 0, 4, "REV")) do
        ids[#ids + 1] = id .. " " .. string.match(k, "%a+$") end end table.sort(ids, function(a, b) return a > b end)
        return {unpack(ids, 1, 5)}"""
    why = """local n, out = {}, {} for _, id in ipairs(redis.call("ZRANGE", KEYS[1], 0, 999, "REV")) do
        local r = redis.call("HMGET", ARGV[1] .. id, "kind", "error") if r[2] then
        local c = r[1] .. " " .. cjson.decode(r[2]).code n[c] = (n[c] or 0) + 1 end end
        for c, times in pairs(n) do out[#out + 1] = c .. " " .. times end table.sort(out) return out"""
    dead = """local n, out = {}, {} for _, e in ipairs(redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 1000)) do
        local h = {} for i = 1, #e[2], 2 do h[e[2][i]] = e[2][i + 1] end
        local c = h.kind .. " " .. cjson.decode(h.cause).code n[c] = (n[c] or 0) + 1 end
        for c, times in pairs(n) do out[#out + 1] = c .. " " .. times end table.sort(out) return out"""
    rates = """local out = {} for _, k in ipairs(KEYS) do local f = redis.call("HGETALL", k) for i = 1, #f, 2 do
        if not string.find(f[i], ":%d+$") then out[#out + 1] = string.match(k, "%d+$") .. " " .. f[i] .. " " .. f[i + 1] end end end
        table.sort(out) return out"""
    times = """local n, all, out = {}, {}, {} for _, k in ipairs(KEYS) do local f = redis.call("HGETALL", k) for i = 1, #f, 2 do
        local what, b = string.match(f[i], "^(.+):(%d+)$") if b then n[what] = n[what] or {} b = tonumber(b)
        n[what][b] = (n[what][b] or 0) + f[i + 1] all[what] = (all[what] or 0) + f[i + 1] end end end
        for what, h in pairs(n) do local line, seen, share = what, 0, {0.5, 0.95} for b = 0, 400 do seen = seen + (h[b] or 0)
        while share[1] and seen >= share[1] * all[what] do
        line = line .. " " .. share[1] * 100 .. " % under " .. math.ceil(1.12 ^ (b + 1)) .. " ms" table.remove(share, 1) end end
        out[#out + 1] = line .. ", of " .. all[what] end table.sort(out) return out"""
    minutes = [keys("minute", minute) for minute in about.minutes]
    return [
        Question("How many tasks are in each state?", lua(counted, states)),
        Question("Which are the last five tasks?", lua(newest, states), "Newest first: ids begin with their time."),
        Question(
            "How many tasks of a kind have failed?",
            line("ZINTERCARD", "2", keys("index_state", "failed"), keys("index_kind", about.kind)),
            "Of those whose record is still kept. It walks the smaller of the two: not for a screen that refreshes.",
        ),
        Question(
            "Why did the last thousand failed tasks fail?", lua(why, [keys("index_state", "failed")], keys("task", ""))
        ),
        Question(
            "Which dead letters are there, by cause?",
            lua(dead, [keys("dead")]) + line("XREVRANGE", keys("dead"), "+", "-", "COUNT", "1"),
            "The last thousand, counted; then the newest, whole. Only here is the traceback of a bug.",
        ),
        Question(
            "How many tasks were submitted and ended in the last minutes?", lua(rates, minutes), "Minutes are UTC."
        ),
        Question(
            "How long did tasks wait and run in these minutes?",
            lua(times, minutes),
            "From histograms whose steps are 12 % wide; counted when a task ends.",
        ),
    ]


def the_store(about: About) -> list[Question]:
    """Memory and sizes."""
    keys = about.keys
    sizes = [("XLEN", "events"), ("XLEN", "spans"), ("XLEN", "dead"), ("ZCARD", "expires")]
    memory = "used_memory_human|used_memory_peak_human|maxmemory_human|mem_fragmentation_ratio"
    return [
        Question("How much memory does it use?", (Line(("INFO", "memory"), f"^({memory}):"),)),
        Question("How much does one task take, in bytes?", line("MEMORY", "USAGE", keys("task", about.task))),
        Question(
            "How much is kept?",
            tuple(Line((command, keys(name))) for command, name in sizes) + line("DBSIZE"),
            "Entries of events, spans and dead letters (all capped); finished tasks; keys.",
        ),
        Question("Which finished tasks are forgotten next?", line("ZRANGE", keys("expires"), "0", "2", "WITHSCORES")),
        Question(
            "Is the store itself slow?",
            line("SLOWLOG", "LEN") + (Line(("INFO", "stats"), "^(instantaneous_ops_per_sec|rejected_connections):"),),
            "Commands that took over 10 ms since its start; commands in a second; connections refused.",
        ),
    ]
