"""The audit: an append-only log of who had what computed, with what outcome, and of what people did. A chain of hashes.

    events stream ──┐ tasks that ended          ┌─▶ var/audit/000000000001.jsonl   appended; on the disk it counts
    records ────────┼──▶ one line each, chained ┤
    audit stream ───┘ what people did           └─▶ audit:head in the store        the anchor: the last line that counts

Each line holds the SHA-256 of the line before it and of itself, so a line that was changed, taken out, put in or moved
is found. What a chain cannot show is that its end was cut off: that the anchor in the store shows.

It is a program of its own (`run`), which costs the way of a task nothing: what it reads is written anyway. Each line
says how far it has read; after a kill it goes on there, and writes nothing twice. A task's record cannot go before the
task has ended, and is kept for its result's time after that: what happens while the audit is away is read afterwards.
"""
