"""Does it truly work? Each store, gateway and consumer must have answered or done a job before `up` says so."""

import os
import secrets
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable

from msgspec import Struct
from msgspec.json import decode

from deploy import supervisord
from deploy.ask import ask
from deploy.stack import Stack
from deploy.tell import OURS, Problem
from pipeline import apikeys, durable, verbs
from pipeline.apikeys import ApiKey
from pipeline.errors import PipelineError, StoreAway
from pipeline.settings import Settings, host_name
from pipeline.store import Store

LABEL = "proof of make up"
OWNER = "make-up"
# 10,000 at 5 % a year, compounded monthly, for a year: 10511.618978817331898… in exact arithmetic.
KNOWN = {"kind": "compound_interest", "data": {"amount": 10000, "rate": 0.05}, "label": LABEL}
KNOWN_TOTAL = 10511.62
PAUSE_S = 0.03
ASKS_FOR_IT = 401
TAIL_LINES = 8
MOST_STARTS = 3
LOG_TAIL_BYTES = 200_000


class Proof(Struct, frozen=True):
    """One thing that works, and how long after the start it was seen to."""

    what: str
    where: str
    after_s: float
    how: str


class Prover:
    """Asks until everything has answered, or the time of `up` is over."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.begun = time.monotonic()
        self.store = Store(stack.settings, "deploy")
        self._key: tuple[str, ApiKey] | None = None
        self.pids: dict[str, set[int]] = defaultdict(set)

    def prove_store(self) -> Proof:
        """It answers, it takes writes (streams and group are made here if they are missing), it keeps what it has."""
        self._until("store", self._store_answers)
        if self.stack.embedded:
            return self._seen("store", f"127.0.0.1:{self.stack.wanted.store_port}", "durable, data in var/store")
        shown = self.stack.wanted.redis_url.rpartition("@")[2].removeprefix("redis://")
        warnings = "".join(f"; {line}" for line in store_lines(self.store, self.stack.settings))
        return self._seen("store", shown, f"given by HEADRACE_REDIS_URL{warnings}")

    def prove_gateways(self) -> Proof:
        """Each says that it is ready, asked directly."""
        for port in self.stack.gateway_ports:
            self._until(f"gateway-{port}", lambda port=port: gateway_fault(port))  # type: ignore[misc]
        ports = self.stack.gateway_ports
        where = f"127.0.0.1:{ports[0]}" + (f"-{ports[-1]}" if len(ports) > 1 else "")
        return self._seen("gateways", where, f"{len(ports)}, each ready by its own word")

    def prove_nginx(self) -> Proof:
        """It passes requests on to every gateway: its log must name each of them with an answer of ours."""
        mark = f"up-{secrets.token_hex(8)}"
        self._until("nginx", lambda: self._all_reached(mark))
        return self._seen("nginx", f"127.0.0.1:{self.stack.wanted.http_port}", "reaches each gateway")

    def prove_dashboard(self) -> Proof:
        """Its port asks for the password, and with it the gateways take whoever comes for an admin of that name."""
        self._until("nginx", lambda: dashboard_fault(self.stack))
        return self._seen("dashboard", f"127.0.0.1:{self.stack.wanted.dashboard_port}", "asks for its password")

    def prove_consumers(self) -> Proof:
        """Each has done a job: tiny tasks are submitted until every consumer's name stands in a finished one."""
        submitted: list[str] = []
        did: set[str] = set()
        self._until("consumer", lambda: self._all_worked(submitted, did))
        wanted = self.stack.wanted.consumers
        return self._seen("consumers", f"{wanted} × {self.stack.settings.children} children", "each has done a job")

    def prove_answer(self) -> str:
        """One calculation through nginx whose answer is known. The line that says so."""
        begun = time.monotonic()
        headers = {"Prefer": "wait=20"} | self._credential()
        answer = ask(self.stack.wanted.http_port, "POST", "/tasks", KNOWN, headers, limit_s=30)
        took_ms = (time.monotonic() - begun) * 1000
        result = answer.json.get("result") if answer.ok else None
        total = result.get("total") if result else None
        if total is None or round(float(total), 2) != KNOWN_TOTAL:
            raise Problem(
                f"The proof went wrong: 10,000 at 5 % a year should give {KNOWN_TOTAL}.",
                f"POST /tasks answered {answer.status}: {answer.text.strip()[:500]}",
                "The logs say more:  make logs",
                OURS,
            )
        return f"compound_interest of 10,000 at 5 % → {total:.2f}, as it must be, in {took_ms:.0f} ms"

    # ── what each waits for: "" when it is there, else what is missing ──

    def _store_answers(self) -> str:
        try:
            return store_fault(self.store, self.stack.settings)
        except PipelineError as away:
            return str(away)

    def _all_reached(self, mark: str) -> str:
        wanted = self.stack.gateway_ports
        for _ in wanted:
            answer = ask(self.stack.wanted.http_port, "GET", "/ready", headers={"X-Request-ID": mark})
            if not answer.ok:
                return f"GET /ready answered {answer.status}: {answer.text[:200]}"
        reached = _upstreams(self.stack, mark)
        missing = [port for port in wanted if f"127.0.0.1:{port}" not in reached]
        return f"gateways {missing} were not reached" if missing else ""

    def _all_worked(self, submitted: list[str], did: set[str]) -> str:
        mine = self.names()
        if len(mine) < self.stack.wanted.consumers:
            return f"{len(mine)} of {self.stack.wanted.consumers} consumers have sent a heartbeat"
        if mine <= did:
            return ""
        for _ in range(4 * len(mine)):
            answer = ask(self.stack.wanted.http_port, "POST", "/tasks", KNOWN, self._credential())
            if not answer.ok:
                return f"POST /tasks answered {answer.status}: {answer.text[:200]}"
            submitted.append(answer.json["task_id"])
        tasks = [task for id in submitted if (task := self.store.do(verbs.task(id)))]
        did |= {task.consumer for task in tasks if task.state == "succeeded"}
        submitted[:] = [task.id for task in tasks if task.state != "succeeded"]
        return f"no job was done yet by {', '.join(sorted(mine - did))}" if mine - did else ""

    # ── where a key is needed, the proof has one of its own, for as long as it takes ──

    def _credential(self) -> dict[str, str]:
        if self._key is None and access_needs_a_key(self.stack.settings, self.store):
            self._key = apikeys.make("submitter", OWNER, LABEL)
            self.store.do(verbs.keep_apikey(self._key[1], "make up"))
        return {"Authorization": f"Bearer {self._key[0]}"} if self._key else {}

    def give_back(self) -> None:
        """Remove that key, however the proof has ended."""
        if self._key:
            self.store.do(verbs.remove_apikey(self._key[1].id, "make up"))

    def names(self) -> set[str]:
        """The names of the consumers that our supervisord started, as they call themselves."""
        pids = {program.pid for program in supervisord.programs(self.stack) if program.group == "consumer"}
        here = host_name()
        return {beat.name for beat in self.store.do(verbs.fleet()) if beat.pid in pids and beat.host == here}

    # ── pieces ──

    def _seen(self, what: str, where: str, how: str) -> Proof:
        return Proof(what, where, time.monotonic() - self.begun, how)

    def _until(self, program: str, missing: Callable[[], str]) -> None:
        limit_s = self.stack.wanted.start_limit_s
        while reason := missing():
            failing = self._failing()
            if failing or time.monotonic() - self.begun > limit_s:
                raise self._not_ready(program, reason, failing)
            time.sleep(PAUSE_S)

    def _failing(self) -> str:
        """The program that supervisord gave up, or that it had to start again and again; "" while there is none."""
        for program in supervisord.programs(self.stack):
            if program.pid:
                self.pids[program.name].add(program.pid)
            if program.state == "FATAL" or len(self.pids[program.name]) > MOST_STARTS:
                return program.name
        return ""

    def _not_ready(self, program: str, reason: str, failing: str) -> Problem:
        name = failing or program
        logs = sorted((self.stack.var / "log").glob(f"{name}*"))
        lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()[-TAIL_LINES:]]
        what = f"{name} does not start." if failing else f"{program} was not ready within its time ({reason})."
        said = "\n".join(f"  {line[:300]}" for line in lines) or "  (nothing)"
        why = f"Everything that was started is stopped again. Its log ends with:\n{said}"
        todo = f"More to read:  {self.stack.var}/log    Check the machine:  make doctor"
        return Problem(what, why, todo, OURS)


def store_fault(store: Store, settings: Settings) -> str:
    """Why the store cannot be used safely; "" when it can, though a warning may stand. Raises PipelineError."""
    return "; ".join(line for line in store_lines(store, settings) if not line.startswith("warning"))


def store_lines(store: Store, settings: Settings) -> list[str]:
    """What there is to say of the store: faults, and lines that begin with `warning`. Raises PipelineError."""
    lines = store.do(verbs.ready())
    if settings.durable == "always":
        try:
            lines += durable.faults(store.raw(*durable.ASK))
        except StoreAway:
            raise
        except PipelineError as refused:
            lines.append(durable.unknown(refused))
    return lines


def access_needs_a_key(settings: Settings, store: Store) -> bool:
    """Whether the gateways serve nobody without a key or token."""
    return bool(settings.admin_key or settings.jwt_issuer or store.do(verbs.apikeys()))


def gateway_fault(port: int) -> str:
    """Why the gateway at this port is not ready; "" when it is."""
    answer = ask(port, "GET", "/ready")
    return "" if answer.ok else f"GET /ready answered {answer.status or 'nothing'}: {answer.text[:200]}"


def dashboard_fault(stack: Stack) -> str:
    """Why the dashboard's door does not do what it should; "" when it does."""
    port, auth = stack.wanted.dashboard_port, stack.wanted.dashboard_auth
    without = ask(port, "GET", "/session")
    if without.status != ASKS_FOR_IT:
        return f"without the password GET /session answered {without.status or 'nothing'}: {without.text[:200]}"
    user = auth.partition(":")[0]
    answer = ask(port, "GET", "/session", headers={"Authorization": f"Basic {b64encode(auth.encode()).decode()}"})
    if not answer.ok or (answer.json["name"], answer.json["role"]) != (user, "admin"):
        return f"with the password GET /session answered {answer.status or 'nothing'}: {answer.text[:200]}"
    return ""


def _upstreams(stack: Stack, mark: str) -> set[str]:
    """The gateways that answered requests of this name, by nginx's access log."""
    with (stack.var / "log" / "nginx.jsonl").open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
        rows = [decode(line) for line in log.read().splitlines() if mark.encode() in line]
    return {row["upstream"] for row in rows if 200 <= row["status"] < 300}
