"""A model of everything that clients, consumers, reaper and hands can do to the store, in seeded random steps.

The scripts are the real ones, on a real server; what they do is compared with what must hold. After every step
`model.lua` reads every invariant off the store; a token that is stale must change nothing; a final task must stay
as it is; and when all is quiet every result must equal the fold in one process, and every stream be empty.

With a hand in the store (`meddle.py`) anything may be wrong for a while. Then the invariants must hold again after
`repair` and `recount`, within a few rounds; and every task that the hand did not take away must end as it should.
"""

import hashlib
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis
from msgspec import Struct, structs

from calc.kind import wave_bounds
from pipeline import script, verbs
from pipeline.errors import PipelineError
from pipeline.record import FINAL, Done, Folded, Job, NewTask, Wave
from pipeline.store import Store
from tests.pipeline import meddle
from tests.servers import Server

LEASE_MS, PAUSE_MS = 25, 5
MAX_ATTEMPTS, MAX_INTERRUPTIONS = 3, 10
ORDERS = (("high", "medium", "low"), ("low", "high", "medium"), ("medium", "high", "low"))


class Broken(AssertionError):
    """An invariant does not hold; the text says which, and with which seed."""


def digest(*pieces: Any) -> bytes:
    """The value of a part, or of a fold: it shows the order in which it was made."""
    return hashlib.sha256("|".join(map(str, pieces)).encode()).hexdigest()[:12].encode()


class Expected(Struct):
    """What the model knows of a task."""

    new: NewTask
    enough: int | None  # after this wave the kind says enough
    refuses: int | None  # this part refuses
    final: tuple[Any, ...] | None = None  # as first seen, never to change
    gone: bool = False  # a hand took its record


class Consumer(Struct):
    """A simulated consumer: what it believes it holds."""

    name: str
    alive: bool = True
    deaf: bool = False  # the reply of a take was lost
    jobs: list[Job] = []
    waves: dict[str, Wave] = {}


class World:
    """One seeded run against one server."""

    def __init__(self, server: Server, seed: int, hand: Sequence[str] = ()) -> None:
        self.random = random.Random(seed)
        self.seed, self.hand = seed, list(hand)  # what the hand may do
        self.store = Store(server.settings(prefix="{model}"), "model")
        # Bytes that are no text, put by a hand, come back as they were.
        self.redis = redis.Redis(port=server.port, protocol=2, decode_responses=True, encoding_errors="surrogateescape")
        self.share = self.random.choice([1, 2, 3, 5, 8, 50])
        self.tasks: dict[str, Expected] = {}
        self.consumers: list[Consumer] = []
        self.attempts: dict[tuple[str, str], int] = {}
        self.tokens: dict[tuple[str, str], str] = {}
        self.stale: list[Job] = []
        self.did: dict[str, int] = {}
        self.log: list[str] = []
        self.check_source = script.joined(Path(__file__).with_name("model.lua").read_text(), script.read)
        self.redis.flushall()
        self.store.do(verbs.ready())

    def close(self) -> None:
        self.store.close()
        self.redis.close()

    # ── carrying and checking ──

    def do(self, name: str, call: verbs.Call[Any]) -> Any:
        try:
            answer = self.store.do(call)
        except PipelineError as error:
            raise self.broken(f"{name}: {error}") from error
        self.did[name] = self.did.get(name, 0) + 1
        self.log.append(f"{name} {call.words[1:]} → {answer}"[:400])
        return answer

    def broken(self, what: Any) -> Broken:
        steps = "\n  ".join(self.log[-12:])
        return Broken(f"seed {self.seed}, share {self.share}, hand {bool(self.hand)}: {what}\n  {steps}")

    def must(self, holds: object, what: Any) -> None:
        if not holds:
            raise self.broken(what)

    def check(self) -> None:
        if self.hand:
            self.look_again()
        else:
            self.check_invariants()
        for id, expected in self.tasks.items():
            self.check_task(id, expected)

    def check_invariants(self) -> None:
        found = self.redis.eval(self.check_source, 1, "{model}", self.share, "", "hand" if self.hand else "")
        self.must(not found, found)

    def look_again(self) -> None:
        """A hand, or `repair` after it, may have taken jobs from their holders."""
        for key, token in list(self.tokens.items()):
            row = self.row(*key)
            if row is None or row[0] != token:
                self.tokens.pop(key)
                self.stale += [job for c in self.consumers for job in c.jobs if job.token == token]

    def check_task(self, id: str, expected: Expected) -> None:
        if expected.gone:
            return
        state, *rest = self.redis.hmget(f"{{model}}:task:{id}", "state", "result", "error", "finished_at")
        if expected.final:
            self.must(
                state is None or (state, *rest) == expected.final, f"I4 {id}: {expected.final} became {(state, *rest)}"
            )
        elif state in FINAL:
            expected.final = (state, *rest)
            self.must(self.hand or self.owes(expected.new), f"{id} has ended and owes its webhook nothing")
            self.must(self.hand or '"lost"' not in str(rest[1]), f"{id} is lost though no hand was in the store")
            if state == "succeeded":
                self.must(rest[0] in self.right_results(id, expected), f"{id} has the wrong result {rest[0]}")
            self.stale += [job for c in self.consumers for job in c.jobs if job.task == id]
        else:
            self.must(state is not None, f"I1 {id} vanished")

    def owes(self, new: NewTask) -> bool:
        """What has a webhook owes a delivery from its end on."""
        owed = self.redis.hget(f"{{model}}:webhook:{new.id}", "state") if new.webhook else None
        return owed == ("pending" if new.webhook else None)

    def right_results(self, id: str, expected: Expected) -> list[str]:
        """The result of all parts, of the prefix that was enough, or, after a stop, of the waves folded by then."""
        new = expected.new
        if new.parts == 1:
            return [digest(id, 0).decode()]
        ends, wave = [], 0
        while not ends or ends[-1] < new.parts:
            ends.append(min(wave_bounds(wave, new.first_wave, new.largest_wave)[1], new.parts))
            wave += 1
        last = ends[expected.enough] if expected.enough is not None and expected.enough < len(ends) else new.parts
        stopped, folded = self.redis.hmget(f"{{model}}:task:{id}", "stop", "folded")
        if stopped:
            last = ends[max(int(folded) - 1, 0)] if not expected_by_fold(self.log, id) else last
        value = b""
        for part in range(last):
            value = digest(value.decode(), digest(id, part).decode())
        return [f"R{value.decode()}"]

    # ── what clients do ──

    def submit(self) -> None:
        if sum(1 for e in self.tasks.values() if not (e.final or e.gone)) >= 9:
            return
        batch = [self.invent() for _ in range(self.random.choice([1, 1, 2, 4]))]
        out = self.do("submit", verbs.submit(batch, 1000, self.share))
        self.must([s.outcome for s in out] == ["new"] * len(batch), out)

    def invent(self) -> NewTask:
        pick, id = self.random.choice, f"T{len(self.tasks):05d}"
        first = pick([1, 2, 3])
        now = self.store.do(verbs.clock())
        new = NewTask(
            id=id, kind=pick(["a", "b"]), data=b"{}", parts=pick([1, 1, 1, 1, 2, 3, 5, 9, 17, 30]), first_wave=first,
            largest_wave=first * pick([1, 2, 4]), window=pick([1, 2, 4, 8]), versions="{}", sha256="0",
            owner=pick(["x", "y"]), priority=pick(["high", "medium", "low"]), batch=pick(["", "", "B"]),
            same_key=pick(["", f"k{id}", f"once:{id}"]), same_sha="s", result_ttl_s=pick([0, 3600]),
            not_before_ms=now + 15 if self.random.random() < 0.15 else 0,
            deadline_ms=now + pick([10, 60]) if self.random.random() < 0.1 else 0,
            webhook="https://hooks.example.com/" if len(self.tasks) % 3 == 0 else "",
        )  # fmt: skip
        waves = range(12)
        self.tasks[id] = Expected(
            new,
            enough=pick([None, None, pick(waves)]) if new.parts > 1 else None,
            refuses=pick([None] * 9 + [self.random.randrange(new.parts)]),
        )
        return new

    def resubmit(self) -> None:
        id = self.any_id()
        if not id:
            return
        expected = self.tasks[id]
        new = structs.replace(expected.new, not_before_ms=0, deadline_ms=0)
        known = self.redis.exists(f"{{model}}:task:{new.id}")
        if new.same_key:
            twin = structs.replace(new, id=new.id + "-again", same_sha=self.random.choice(["s", "other"]))
            out = self.do("resubmit", verbs.submit([twin], 1000, self.share))[0]
            self.must((out.outcome, out.id) == ("replay" if twin.same_sha == "s" else "mismatch", new.id), out)
        elif known:
            self.must(self.do("resubmit", verbs.submit([new], 1000, self.share))[0].outcome == "replay", new.id)

    def any_id(self) -> str | None:
        known = [id for id, expected in self.tasks.items() if not expected.gone]
        return self.random.choice(known[-12:]) if known else None

    def cancel(self) -> None:
        if id := self.any_id():
            before = self.tasks[id].final
            answer = self.do("cancel", verbs.cancel(id, self.share))
            self.must((answer == "ok") == (before is None) or answer == "unknown", (id, before, answer))

    def deadline(self) -> None:
        if id := self.any_id():
            self.do("deadline", verbs.deadline(id, self.share))

    def purge(self) -> None:
        if id := self.any_id():
            answer = self.do("purge", verbs.purge(id))
            self.must(answer != "ok" or self.tasks[id].final is not None, (id, answer))

    # ── what consumers do ──

    def living(self) -> Consumer:
        alive = [c for c in self.consumers if c.alive]
        if len(alive) < 3:
            self.consumers.append(Consumer(f"c{len(self.consumers)}"))
            return self.consumers[-1]
        return self.random.choice(alive)

    def take(self) -> None:
        consumer = self.living()
        if consumer.deaf and self.random.random() < 0.7:
            return self.resync(consumer)
        free = 4 - len(consumer.jobs)
        if free <= 0:
            return None
        known = [job.task for job in consumer.jobs]
        taken = self.do(
            "take",
            verbs.take(
                consumer.name,
                self.random.randint(1, free),
                self.random.choice(ORDERS),
                known,
                MAX_ATTEMPTS,
                self.share,
                self.random.choice([40] + [86_400_000] * 19),
            ),
        )
        for job in taken.jobs:
            key = (job.task, job.name)
            self.must(key not in self.tokens, f"I1 {job} is held twice")
            self.attempts[key] = self.attempts.get(key, 0) + 1
            self.tokens[key] = job.token
            if self.hand:
                self.attempts[key] = job.attempt  # what a row said is lost with the row
            self.must(job.attempt == self.attempts[key], f"I12 {job} should be attempt {self.attempts[key]}")
            self.must(self.tasks[job.task].final is None, f"I4 {job} of a finished task")
            self.must((job.data is None) == (job.task in known), job)
        if taken.jobs and self.random.random() < 0.06:
            consumer.deaf = True
            return None
        consumer.jobs = consumer.jobs + taken.jobs
        if self.random.random() < 0.04:
            consumer.alive = False
        return None

    def resync(self, consumer: Consumer) -> None:
        consumer.deaf = False
        for job in self.do("resync", verbs.resync(consumer.name, [j.token for j in consumer.jobs], self.share)):
            self.must(self.tokens[job.task, job.name] == job.token, job)
            self.must(self.hand or self.attempts[job.task, job.name] == job.attempt, job)
            consumer.jobs = [*consumer.jobs, job]

    def read_only(self) -> None:
        """A consumer of another make reads and never begins: the jobs must come back."""
        name = self.living().name
        self.redis.xreadgroup(
            "consumers", name, {f"{{model}}:jobs:{self.random.choice(['high', 'medium'])}": ">"}, count=2
        )

    def work(self) -> None:
        holders = [c for c in self.consumers if c.jobs and (c.alive or self.random.random() < 0.3)]
        if not holders:
            return
        consumer = self.random.choice(holders)
        job = self.random.choice(consumer.jobs)
        if self.settle(consumer, job):
            consumer.jobs = [j for j in consumer.jobs if j.token != job.token]
            self.stale.append(job)

    def settle(self, consumer: Consumer, job: Job) -> bool:
        """Bring one held job to an outcome; False when it goes on (a wave was read, not yet folded)."""
        expected, chance = self.tasks[job.task], self.random.random()
        if chance < 0.04:
            return self.release(consumer, job)
        if chance < 0.10:
            call = verbs.retry(job, {"code": "child_died"}, PAUSE_MS, MAX_ATTEMPTS, consumer.name, 0, 1.0, self.share)
            return self.fenced("retry", call, job)
        if job.step in ("whole", "part"):
            if expected.refuses == job.number:
                error = {"code": "refused", "message": "no"}
                return self.fenced("fail", verbs.fail(job, error, chance < 0.5, consumer.name, 0, 1.0, self.share), job)
            done = Done(job, digest(job.task, job.number), 0, 1.0)
            if job.step == "whole":
                return self.fenced("finish_task", verbs.finish_task([done], consumer.name, self.share), job)
            return self.fenced("finish_part", verbs.finish_part([done], consumer.name, self.share), job)
        if job.token not in consumer.waves:
            return self.read_wave(consumer, job)
        return self.fold(consumer, job, consumer.waves[job.token])

    def read_wave(self, consumer: Consumer, job: Job) -> bool:
        wave = self.do("wave", verbs.wave(job))
        if wave is None:
            return True
        new = self.tasks[job.task].new
        if job.step == "fold":
            start, end = wave_bounds(job.number, new.first_wave, new.largest_wave)
            right = [digest(job.task, part) for part in range(start, min(end, new.parts))]
            self.must(wave.partials == right and wave.last == (end >= new.parts), f"I9 {job} {wave}")
        consumer.waves = consumer.waves | {job.token: wave}
        return False

    def fold(self, consumer: Consumer, job: Job, wave: Wave) -> bool:
        value = wave.accumulator or b""
        for partial in wave.partials:
            value = digest(value.decode(), partial.decode())
        if job.step == "result":
            call = verbs.finish_stopped(Done(job, b"R" + value, 0, 1.0), consumer.name, self.share)
            return self.fenced("finish_stopped", call, job)
        final = wave.last or self.tasks[job.task].enough == job.number
        folded = Folded(job, value, b"{}", b"R" + value if final else None, 0, 1.0)
        return self.fenced("fold", verbs.fold(folded, consumer.name, self.share), job)

    def release(self, consumer: Consumer, job: Job) -> bool:
        released = self.fenced("release", verbs.release([job], consumer.name, self.share), job)
        if self.last_answer == "ok":
            self.attempts[job.task, job.name] -= 1  # being stopped is not an attempt (I12)
        return released

    def fenced(self, name: str, call: verbs.Call[Any], job: Job) -> bool:
        """An outcome: a stale one must answer lost and change nothing; a repeated one too (I5)."""
        key = (job.task, job.name)
        stale = self.tokens.get(key) != job.token or self.tasks[job.task].final is not None
        before = self.contents() if stale or self.random.random() < 0.2 else None
        self.last_answer = outcome(self.do(name, call))
        self.must(not stale or self.last_answer == "lost", f"I5 stale {name} of {job} answered {self.last_answer}")
        if self.last_answer == "lost":
            # With a hand in the store a fold that finds the wave out of turn mends the task.
            self.must(
                before is None or self.hand or before == self.contents(), f"I5 lost {name} of {job} changed something"
            )
        else:
            self.tokens.pop(key, None)
        if self.random.random() < 0.2:
            before = self.contents()
            self.must(outcome(self.do(f"{name} twice", call)) == "lost", f"I5 repeated {name} of {job}")
            self.must(before == self.contents(), f"I5 repeated {name} of {job} changed something")
        return True

    def contents(self) -> str:
        return str(self.redis.execute_command("DEBUG", "DIGEST"))

    def renew(self) -> None:
        for consumer in self.consumers:
            if consumer.alive and consumer.jobs and self.random.random() < 0.8:
                lost = self.do("renew", verbs.renew(consumer.name, [j.token for j in consumer.jobs]))
                for job in consumer.jobs:
                    held = self.tokens.get((job.task, job.name)) == job.token and self.tasks[job.task].final is None
                    # By hand an entry may have gone; reaping happens behind the model's back.
                    self.must(job.token in lost or held or self.hand, f"I13 {job} is not held and was renewed")
                self.stale += [job for job in consumer.jobs if job.token in lost]
                consumer.jobs = [job for job in consumer.jobs if job.token not in lost]

    def late(self) -> None:
        """A consumer that was away comes back with what it held long ago."""
        if not self.stale:
            return
        job = self.random.choice(self.stale)
        if self.tokens.get((job.task, job.name)) == job.token and self.tasks[job.task].final is None:
            return
        ghost = Consumer("ghost", jobs=[job], waves={job.token: Wave(None, [b"late"], True)})
        self.settle(ghost, job)

    def die(self) -> None:
        consumer = self.living()
        consumer.alive = False
        gone = [c for c in self.consumers if not c.alive]
        if self.random.random() < 0.5:
            self.random.choice(gone).alive = True  # a frozen one wakes

    # ── what the reaper does, and hands ──

    def reap(self) -> None:
        held = {(job.task, job.name): job for c in self.consumers for job in c.jobs}
        reaped = self.do("reap", verbs.reap(LEASE_MS, 10, MAX_INTERRUPTIONS, PAUSE_MS, self.share))
        if reaped:
            self.see_reaped(held)

    def see_reaped(self, held: dict[tuple[str, str], Job]) -> None:
        for key in list(self.tokens):
            row = self.row(*key)
            if row is None or row[0] != self.tokens[key]:
                self.tokens.pop(key)
                if row is not None and not self.hand:
                    self.must(int(row[1]) == self.attempts[key] - 1, f"I12 reaped {key}: {row}")
                    self.attempts[key] = int(row[1])
                if key in held:
                    self.stale.append(held[key])

    def row(self, id: str, job: str) -> list[str] | None:
        one_part = self.tasks[id].new.parts == 1
        try:
            text = self.redis.hget(f"{{model}}:task:{id}" + ("" if one_part else ":jobs"), job)
        except redis.ResponseError:  # a hand made it another type
            return None
        return text.split(" ") if text else None

    def promote(self) -> None:
        self.do("promote", verbs.promote(10, self.share))

    def forget(self) -> None:
        self.do("forget", verbs.forget(10))

    def remove_consumer(self) -> None:
        if self.consumers:
            self.do("remove_consumer", verbs.remove_consumer(self.random.choice(self.consumers).name))

    def wait(self) -> None:
        time.sleep(self.random.choice([0.005, 0.03]))

    def meddle(self) -> None:
        """With a hand in the store: do something to a task that has not ended."""
        unfinished = [id for id, e in self.tasks.items() if not (e.final or e.gone)]
        if not self.hand or not unfinished:
            return
        id = self.random.choice(unfinished)
        new = self.tasks[id].new
        name = self.random.choice(self.hand)
        did = meddle.do(name, self.redis, self.random, meddle.Victim(id, new.parts, new.owner, new.priority))
        self.tasks[id].gone = name in meddle.GONE
        self.did[name] = self.did.get(name, 0) + bool(did)
        self.log.append(f"by hand {name} {id} → {did}")

    def repair(self) -> int:
        found = self.do("live", verbs.live("", 100))
        repaired = self.do("repair", verbs.repair(found, self.share))
        recounted = self.do("recount", verbs.recount())
        self.must(repaired + recounted == 0 or self.hand, "something was wrong though no hand was in the store")
        return int(repaired + recounted)

    def rest(self) -> None:
        """The hand is away for a while: soon everything is right again."""
        if self.hand:
            rounds = next((n for n in range(5) if not self.repair()), None)
            self.must(rounds is not None, "repair does not come to rest")
            self.check_invariants()

    # ── the run ──

    STEPS: tuple[tuple[Callable[["World"], object], float], ...]

    def step(self) -> None:
        act = self.random.choices([a for a, _ in self.STEPS], [w for _, w in self.STEPS])[0]
        act(self)
        self.check()

    def settle_down(self) -> None:
        """Let everything come to its end, then see that nothing is left."""
        for c in self.consumers:
            c.alive = True
        for turn in range(400):
            self.turns = turn
            for act in (self.take, self.work, self.work, self.work, self.promote):
                act()
            if turn % 4 == 0:
                self.renew()
            if turn % 6 == 0:
                time.sleep(LEASE_MS / 1000)
                self.reap()
                self.rest()
            self.check()
            if all(e.final or e.gone for e in self.tasks.values()):
                break
        unsettled = [id for id, e in self.tasks.items() if not (e.final or e.gone)]
        self.must(not unsettled, f"not settled: {unsettled}")
        for _ in range(3 if self.hand else 1):  # copies and garbage are read, and tidied
            self.take()
            time.sleep(LEASE_MS / 1000)
            self.reap()
            self.rest()
        self.nothing_left()

    def nothing_left(self) -> None:
        for stream in self.store.keys.streams():
            self.must(self.redis.xlen(stream) == 0, f"{stream} is not empty")
            self.must(self.redis.xpending(stream, "consumers")["pending"] == 0, f"{stream} has pending entries")
        for key in self.redis.scan_iter():
            allowed = self.store.keys.is_permanent(key) or self.redis.ttl(key) >= 0
            if ":ring:" in key:  # what no task of its owner touches any more goes with the next one
                allowed = self.hand and all(e.final or e.gone for e in self.tasks.values())
            self.must(allowed or ":index:batch:" in key, f"I6 {key} has no TTL and no owner")
        owed = {f"{id} {e.new.owner}" for id, e in self.tasks.items() if e.new.webhook}
        self.must(self.hand or set(self.redis.zrange("{model}:webhooks", 0, -1)) == owed, "deliveries that are owed")
        for name in ("later", "shares"):
            self.must(not self.redis.exists(f"{{model}}:{name}"), f"{name} is not empty")
        endings: dict[str, int] = {}
        for _, words in self.redis.xrange("{model}:events"):
            for id, text in words.items():
                endings[id] = endings.get(id, 0) + (text in FINAL)
        survivors = [id for id, expected in self.tasks.items() if not expected.gone]
        self.must(all(endings[id] == 1 for id in survivors), f"I4 not one end each: {endings}")


World.STEPS = (
    (World.submit, 5), (World.resubmit, 1), (World.cancel, 0.8), (World.deadline, 0.6), (World.purge, 0.8),
    (World.take, 20), (World.read_only, 0.6), (World.work, 36), (World.renew, 5), (World.late, 3), (World.die, 0.6),
    (World.reap, 4), (World.promote, 6), (World.forget, 1), (World.remove_consumer, 1), (World.wait, 2),
    (World.meddle, 6), (World.repair, 2), (World.rest, 1),
)  # fmt: skip


def outcome(answer: Any) -> str:
    """`ok`, `lost`, `later` or `buried`, whatever shape the verb answers in."""
    if isinstance(answer, list):
        answer = answer[0]
    if isinstance(answer, bool):
        return "ok" if answer else "lost"
    return str(answer)


def expected_by_fold(log: list[str], id: str) -> bool:
    """Whether the task ended by a fold (it was the last wave, or enough), not by the job x after a stop."""
    return not any(line.startswith("finish_stopped ") and f"'{id}'" in line and "True" in line for line in log)


def run(server: Server, seed: int, steps: int, hand: Sequence[str] = ()) -> World:
    """One seed, to its quiet end. `hand`: the acts of meddle.py that may be done at any time. Raises Broken."""
    world = World(server, seed, hand)
    try:
        for _ in range(steps):
            world.step()
        world.settle_down()
    except redis.ResponseError as error:
        raise world.broken(error) from error
    finally:
        world.close()
    return world
