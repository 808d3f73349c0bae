"""All questions, in groups: one task; what waits; the fleet; what has ended; owners, batches and people; the store."""

from deploy.inspect import invariants
from deploy.inspect.question import About, Question, line, lua
from pipeline.keys import GROUP
from pipeline.record import FINAL, STATES

LONG_MS = 30_000  # a job that runs for longer is worth a look
MEMORY = "used_memory_human|used_memory_peak_human|maxmemory_human|mem_fragmentation_ratio"
LOAD = "instantaneous_ops_per_sec|rejected_connections"


def everything(about: About) -> dict[str, list[Question]]:
    """Heading → questions."""
    return {
        "One task": one_task(about),
        "What waits": what_waits(about),
        "The fleet": the_fleet(about),
        "What has ended": what_has_ended(about),
        "Owners, batches, people": owners(about),
        "The store": the_store(about),
        "Do the invariants hold?": invariants.invariants(about),
    }


def one_task(about: About) -> list[Question]:
    """Of the task `about.task`."""
    keys, record = about.keys, about.keys("task", about.task)
    return [
        Question("Who took it, how long did it wait and run?", (lua("took", [record]),)),
        Question(
            "Which child did which of its jobs, from when, for how long?",
            (lua("jobs", [keys("spans")], about.task),),
            "Job, consumer, child, start (ms since 1970), ms, outcome. `p3` is part 3, `r1` the fold of wave 1. From"
            " the newest 2,000 jobs of all.",
        ),
        Question(
            "What has happened to it?",
            (lua("happened", [keys("events")], about.task), line("LRANGE", keys("history", about.task), "0", "-1")),
            "First every change, from the newest 2,000 of all tasks (an entry's id begins with its time). Then what was"
            " unusual: retry, release, reap, bury, cancel, fail. A task that went well has no such line.",
        ),
        Question("Everything about it, but data and result?", (lua("record", [record]),)),
        Question(
            "How far is it, and which of its jobs are in being?",
            (line("HMGET", record, "done", "parts", "folded"), line("HGETALL", keys("rows", about.task))),
            "Parts done, parts, waves folded. Then each job and its row: stream and entry, attempts, interruptions,"
            " holder (`-`: it waits). A task of one part has its row in its record, as the field `p0`.",
        ),
        Question(
            "What is kept of its parts until they are folded?",
            (lua("partials", [keys("partials", about.task)]),),
            "`wave:<k>` counts the parts of a wave that are done. The largest 24.",
        ),
        Question(
            "How did its estimate come closer, wave by wave?",
            (line("LRANGE", keys("curve", about.task), "-20", "-1"),),
            "Parts folded, and the estimate then; the last twenty. Of kinds that estimate.",
        ),
        Question(
            "What was asked, exactly?",
            (line("HGET", record, "data"), line("HMGET", record, "kind", "seed", "versions", "sha256")),
            "These give the same result again, to the last bit.",
        ),
        Question(
            "What is its result, and for how many more seconds is it kept?",
            (line("HGET", record, "result"), line("TTL", record)),
            "-1: it has not ended; -2: there is no record of it. The sweeper may remove it a minute earlier.",
        ),
    ]


def what_waits(about: About) -> list[Question]:
    """Streams, shares, `later`."""
    keys, streams = about.keys, about.keys.streams()
    rings = keys("ring", "", "").removesuffix(":")  # what the key of every ring begins with
    return [
        Question(
            "How deep is each priority?",
            (lua("depth", streams, GROUP),),
            "Waiting is XLEN minus pending (XINFO's `lag` is null after deletes, so it is no use here). `again` holds"
            " released, retried and reduce jobs, and is read first.",
        ),
        Question(
            "How old is the oldest waiting job?",
            (lua("oldest", streams),),
            "A stream on which nothing waits is not listed.",
        ),
        Question(
            "How much of each owner's share is used, and how many tasks stand behind it?",
            (lua("behind", [keys("shares"), rings]),),
            "A task stands there once, however many parts it has yet to issue.",
        ),
        Question(
            "What waits for its time?",
            (line("ZRANGE", keys("later"), "0", "9", "WITHSCORES"),),
            "Retries (task and job), scheduled tasks, deadlines; each with its time in ms since 1970.",
        ),
        Question(
            "Which task has not ended for longest?",
            (lua("longest", [*(keys("index_state", s) for s in STATES if s not in FINAL), keys("task", "")]),),
        ),
        Question("Which priorities are paused, by whom, why?", (line("HGETALL", keys("paused")),)),
    ]


def the_fleet(about: About) -> list[Question]:
    """Consumers and their children, by their heartbeats."""
    known = [about.keys("jobs", "medium"), about.keys("consumer", "")]  # every consumer has its name on that stream
    return [
        Question(
            "Which consumers live?",
            (lua("fleet", known, GROUP),),
            "Without a heartbeat for 15 s it is dead, and its name goes as soon as its jobs are reaped. `reaper` is no"
            " consumer: in its name abandoned jobs are taken.",
        ),
        Question(
            "Which gateways live?",
            (line("HGETALL", about.keys("gateways")),),
            "Name; when it last said so, in ms since 1970, and what it said. One that is silent for long is no more.",
        ),
        Question(
            "Which consumers and gateways began last, and with which version?",
            (line("XREVRANGE", about.keys("starts"), "+", "-", "COUNT", "10"),),
            "Each start is noted once; `process` is its name, pid, and start in ms since 1970.",
        ),
        Question(
            "What does each child compute now?",
            (lua("children", known, GROUP, "-1"),),
            "As of its consumer's last heartbeat: there is one every 2 s.",
        ),
        Question(
            "What has each consumer done since its start?",
            (lua("figures", known, GROUP),),
            "Kind, outcome, jobs, seconds in children, seconds of CPU; then why children ended. By its last heartbeat.",
        ),
        Question(
            "Which jobs are held for longer than 30 s, and whose are they?",
            (lua("children", known, GROUP, str(LONG_MS)),),
            "A long job is no fault. Its consumer renews it, so its idle time in the stream stays short.",
        ),
        Question(
            "Which jobs are held by somebody who is silent for a whole lease?",
            (lua("silent", about.keys.streams(), GROUP, str(about.lease_ms)),),
            "Stream, entry, holder, idle time. The reaper of any consumer that lives takes them soon.",
        ),
    ]


def what_has_ended(about: About) -> list[Question]:
    """Indexes, dead letters, counters of the last minutes."""
    keys = about.keys
    states, failed = [keys("index_state", state) for state in STATES], keys("index_state", "failed")
    minutes = [keys("minute", minute) for minute in about.minutes]
    return [
        Question("How many tasks are in each state?", (lua("states", states),)),
        Question(
            "Which are the last five tasks?", (lua("newest", states),), "Newest first: ids begin with their time."
        ),
        Question(
            "How many tasks of a kind have failed?",
            (line("ZINTERCARD", "2", failed, keys("index_kind", about.kind)),),
            "Of those whose record is still kept. It walks the smaller of the two: not for a screen that refreshes.",
        ),
        Question(
            "Which failed tasks were tried again?",
            (line("ZRANGE", keys("index_retried"), "0", "9", "REV"),),
            "The newest ten: a retry is a task of its own, which names the one before it (`rerun_of`).",
        ),
        Question(
            "Which tasks failed with a certain error?",
            (line("ZRANGE", keys("index_error", about.code), "0", "9", "REV"),),
            "The newest ten. Which errors there are the next question says.",
        ),
        Question("Why did the last thousand failed tasks fail?", (lua("causes", [failed, keys("task", "")]),)),
        Question(
            "Which dead letters are there, by cause?",
            (lua("dead", [keys("dead")]), line("XREVRANGE", keys("dead"), "+", "-", "COUNT", "1")),
            "The last thousand, counted; then the newest, whole. Only here is the traceback of a bug.",
        ),
        Question(
            "How many tasks were submitted and ended in the last minutes?",
            (lua("rates", minutes),),
            "Minute (UTC), kind, what, how many.",
        ),
        Question(
            "How long did tasks wait and run in the last minutes?",
            (lua("times", minutes),),
            "Counted when a task ends, in histograms whose steps are 12 % wide.",
        ),
    ]


def owners(about: About) -> list[Question]:
    """Whose tasks, batches and keys there are; what people did."""
    keys = about.keys
    own = [keys("index_owner", about.owner, state) for state in STATES]
    return [
        Question("How many tasks of an owner are in each state?", (lua("states", own),)),
        Question("Which are the last five tasks of an owner?", (lua("newest", own),), "Newest first."),
        Question(
            "Which batches are there?",
            (line("ZRANGE", keys("index_batches", "*"), "0", "9", "REV", "WITHSCORES"),),
            "The ten that are kept longest, of everybody (for `*` an owner); then until when, in ms since 1970.",
        ),
        Question(
            "How far is a batch?",
            (lua("batch", [keys("batch", about.batch), keys("index_batch", about.batch), keys("task", "")]),),
            "Its record, then its tasks by state, of the first thousand.",
        ),
        Question(
            "Which task did an idempotency key make?",
            (
                line("HGETALL", keys("same", about.owner, f"key:{about.same}")),
                line("TTL", keys("same", about.owner, f"key:{about.same}")),
            ),
            "And for how many more seconds that is known. Of a batch it says `batch`.",
        ),
        Question(
            "Which task did a request make that nginx may send again?",
            (line("GET", keys("once", about.owner, about.submission)),),
            "Known for five minutes, by the `submission_id` of nginx's log line; then the SHA-256 of the request.",
        ),
        Question(
            "Which API keys are there?", (lua("apikeys", [keys("apikeys")]),), "Never their secrets: nobody has them."
        ),
        Question(
            "Until when has an owner used up its rate?",
            (line("GET", keys("rate", about.owner)),),
            "In µs since 1970; none or past: nothing is owed.",
        ),
        Question(
            "Which webhooks are owed, and which were given up?",
            (
                line("ZRANGE", keys("webhooks"), "0", "9", "WITHSCORES"),
                line("XREVRANGE", keys("undelivered"), "+", "-", "COUNT", "3"),
            ),
            "Task or batch and owner, with the time of the next attempt in ms since 1970; then the last given up.",
        ),
        Question("How does the delivery of a task's webhook go?", (line("HGETALL", keys("webhook", about.task)),)),
        Question(
            "Whose webhooks are signed?",
            (lua("secrets", [keys("webhook_secrets")]),),
            "Owners, and the ids of what signs. The secrets themselves stand beside them: this does not show them.",
        ),
        Question(
            "What did people do lately?",
            (line("XREVRANGE", keys("audit"), "+", "-", "COUNT", "5"),),
            "All of it: [audit.md](audit.md).",
        ),
        Question(
            "How far does the audit reach, and who tells Prometheus?",
            (line("HGETALL", keys("audithead")), line("GET", keys("exporter"))),
            "`events` is the last event that it has read. The other is the gateway that was asked first"
            " ([metrics.md](metrics.md)).",
        ),
    ]


def the_store(about: About) -> list[Question]:
    """Memory, sizes, load."""
    keys = about.keys
    kept = [("XLEN", "events"), ("XLEN", "spans"), ("XLEN", "dead"), ("ZCARD", "expires")]
    return [
        Question("How much memory does it use?", (line("INFO", "memory", only=f"^({MEMORY}):"),)),
        Question("How many bytes does one task take?", (line("MEMORY", "USAGE", keys("task", about.task)),)),
        Question(
            "How much is kept?",
            (*(line(command, keys(name)) for command, name in kept), line("DBSIZE")),
            "Entries of events, spans and dead letters, all three capped; finished tasks; keys.",
        ),
        Question(
            "Which finished tasks are forgotten next?",
            (line("ZRANGE", keys("expires"), "0", "2", "WITHSCORES"),),
            "Task, kind, owner, state, batch, error code; then when, in ms since 1970.",
        ),
        Question(
            "Is the key of the hash in task ids there?",
            (line("STRLEN", keys("idkey")),),
            "Without it nobody knows which ids were ours: then 404 is answered instead of 410.",
        ),
        Question(
            "Is the store itself slow?",
            (line("SLOWLOG", "LEN"), line("INFO", "stats", only=f"^({LOAD}):")),
            "Commands that took longer than 10 ms since its start; commands in the last second; connections refused.",
        ),
    ]
