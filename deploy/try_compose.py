"""`make test-compose`: build the images, run all of it in containers, scale, kill, drain and restart; then remove it.

Needs a Docker engine and Compose (`COMPOSE` names the command). Project, ports and volume are its own.
"""

import secrets
import shlex
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable

from deploy.ask import Answer, ask
from deploy.prove import KNOWN, KNOWN_TOTAL
from deploy.stack import ROOT
from deploy.tell import ENVIRONMENT, OURS, Problem, complain, say
from pipeline.settings import environment

HTTP_PORT = 28_080
GATEWAY_PORTS = (28_001, 28_020)
PROJECT = "headrace-test"
LIMIT_S = 90
ADMIN_KEY = secrets.token_hex(24)
DASHBOARD_PORT = 28_055
DASHBOARD_AUTH = f"trial:{secrets.token_hex(12)}"
KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}


class Trial:
    """One run of the containers, with the commands to change it."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.docker = shlex.split(environ.get("DOCKER", "docker"))
        files = ["-f", "docker-compose.yml"]
        if environ.get("HEADRACE_CA_BUNDLE"):
            files += ["-f", "deploy/compose.ca.yml"]
        self.compose = [*shlex.split(environ.get("COMPOSE", "docker compose")), "-p", PROJECT, *files]
        own = {
            "HEADRACE_HTTP_PORT": str(HTTP_PORT),
            "HEADRACE_GATEWAY_PORTS": f"{GATEWAY_PORTS[0]}-{GATEWAY_PORTS[1]}",
            "HEADRACE_REDIS_URL": "",
            "HEADRACE_ADMIN_KEY": ADMIN_KEY,
            "HEADRACE_DASHBOARD_PORT": str(DASHBOARD_PORT),
            "HEADRACE_DASHBOARD_AUTH": DASHBOARD_AUTH,
        }
        self.environ = environ | own | {"DOCKER_BUILDKIT": "1"}

    def run(self, *words: str) -> str:
        """A Compose command; what it printed. Raises Problem when it fails."""
        return self._call([*self.compose, *words])

    def containers(self, service: str) -> list[str]:
        return self.run("ps", "--quiet", service).split()

    def inspect(self, container: str, what: str) -> str:
        return self._call([*self.docker, "inspect", "--format", what, container]).strip()

    def kill(self, container: str) -> None:
        self._call([*self.docker, "kill", container])

    def _call(self, command: list[str]) -> str:
        ended = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise Problem(
                f"This failed: {shlex.join(command)}", ended.stderr.strip()[-3000:], "Read docs/deployment.md", OURS
            )
        return ended.stdout


def calculate() -> Answer:
    """The calculation whose answer is known, through nginx. A gateway that is stopping answers 202 before the result
    is there; then it is asked for, as a client would."""
    wait = {"Prefer": "wait=30"}
    answer = ask(HTTP_PORT, "POST", "/tasks", KNOWN, wait | KEY, limit_s=40)
    while answer.ok and answer.json["state"] in ("queued", "running"):
        answer = ask(HTTP_PORT, "GET", answer.json["links"]["self"], headers=wait | KEY, limit_s=40)
    return answer


def is_right(answer: Answer) -> bool:
    """Whether it is that answer."""
    return answer.status == 200 and round(float(answer.json["result"]["total"]), 2) == KNOWN_TOTAL


def until(what: str, true: Callable[[], bool]) -> float:
    """Wait; how long it took. Raises Problem."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > LIMIT_S:
            raise Problem(f"Not within {LIMIT_S} s: {what}.", "It was tried until now.", "docker compose logs", OURS)
        time.sleep(0.2)
    return time.monotonic() - begun


def answering_gateways() -> set[int]:
    """The ports of the gateways that say they are ready."""
    return {port for port in range(GATEWAY_PORTS[0], GATEWAY_PORTS[1] + 1) if ask(port, "GET", "/ready").ok}


# ── the trial, step by step ──


def it_starts(trial: Trial) -> None:
    """Built, started, right."""
    begun = time.monotonic()
    trial.run("build")
    say(f"  built in {time.monotonic() - begun:.0f} s")
    begun = time.monotonic()
    trial.run("up", "-d", "--no-build", "--wait")
    say(f"  all healthy in {time.monotonic() - begun:.1f} s")
    answer = calculate()
    require(is_right(answer), f"POST /tasks answered {answer.status} {answer.text[:300]}")
    require(len(answering_gateways()) == 3, "three gateways answer on ports of their own")


def it_has_a_door(trial: Trial) -> None:
    """The dashboard's port asks for its password, and with it serves an admin of that name."""
    require(ask(DASHBOARD_PORT, "GET", "/session").status == 401, "the dashboard asks for its password")
    basic = {"Authorization": f"Basic {b64encode(DASHBOARD_AUTH.encode()).decode()}"}
    answer = ask(DASHBOARD_PORT, "GET", "/session", headers=basic)
    require(answer.ok and answer.json["role"] == "admin", f"GET /session answered {answer.status} {answer.text[:200]}")


def it_scales(trial: Trial) -> None:
    """Five of each without editing a file; nginx finds the new ones (case B54: it asks the name server again)."""
    trial.run("up", "-d", "--no-build", "--wait", "--scale", "consumer=5", "--scale", "gateway=5")
    took_s = until("five gateways answer", lambda: len(answering_gateways()) == 5)
    require(len(trial.containers("consumer")) == 5, "five consumers run")
    say(f"  five gateways and five consumers, {took_s:.1f} s after Compose said so")
    log_before = trial.run("logs", "--no-log-prefix", "nginx").count("\n")
    for _ in range(50):
        require(is_right(calculate()), "each answer is right")
    lines = trial.run("logs", "--no-log-prefix", "nginx").splitlines()[log_before:]
    upstreams = {line.partition('"upstream":"')[2].partition('"')[0] for line in lines if '"POST"' in line}
    require(len(upstreams) == 5, f"nginx uses all five gateways, not {sorted(upstreams)}")


def it_survives(trial: Trial) -> None:
    """A gateway is killed, then two are taken away, under a steady stream of requests: no client sees it (case B54)."""
    wrong: list[str] = []
    stop = threading.Event()
    count = [0]

    def client() -> None:
        while not stop.is_set():
            answer = calculate()
            count[0] += 1
            if not is_right(answer):
                wrong.append(f"{answer.status} {answer.text[:200]}")

    clients = [threading.Thread(target=client) for _ in range(3)]
    for thread in clients:
        thread.start()
    try:
        trial.kill(trial.containers("gateway")[0])
        time.sleep(2)  # the stream goes on while the gateway is away and comes back
        trial.run("up", "-d", "--no-build", "--no-recreate", "--scale", "consumer=5", "--scale", "gateway=2")
        time.sleep(3)
    finally:
        stop.set()
        for thread in clients:
            thread.join()
    require(not wrong, f"{len(wrong)} of {count[0]} requests went wrong, first: {wrong[:1]}")
    say(f"  {count[0]} requests while a gateway was killed and three were taken away: all answered rightly")


def it_stops_politely(trial: Trial) -> None:
    """Each consumer drains and ends with 0, not by SIGKILL (137): case B50 in containers."""
    consumers = trial.containers("consumer")
    begun = time.monotonic()
    trial.run("stop", "consumer")
    codes = [trial.inspect(container, "{{.State.ExitCode}}") for container in consumers]
    require(set(codes) == {"0"}, f"consumers ended with {codes}")
    say(f"  consumers drained in {time.monotonic() - begun:.1f} s")


def it_keeps_what_it_accepted(trial: Trial) -> None:
    """A task accepted with no consumer there outlives a kill of the store and is computed afterwards (case B22)."""
    accepted = ask(HTTP_PORT, "POST", "/tasks", KNOWN, KEY)
    require(accepted.status == 202, f"POST /tasks answered {accepted.status}")
    trial.kill(trial.containers("redis")[0])
    trial.run("up", "-d", "--no-build", "--wait", "--scale", "consumer=3", "--scale", "gateway=3")
    path = accepted.json["links"]["self"]
    took_s = until("the task is done", lambda: ask(HTTP_PORT, "GET", path, headers=KEY).text.find('"succeeded"') > 0)
    say(f"  a task outlived the kill of the store; done {took_s:.1f} s after everything was healthy again")


def it_syncs(trial: Trial) -> None:
    """What the store writes reaches the disk each second: `sync` may open its files, and the server leaves it to it.
    Compose's --wait is content with a container that starts again and again."""
    container = trial.containers("sync")[0]
    restarts, state = trial.inspect(container, "{{.RestartCount}} {{.State.Status}}").split()
    lines = trial.run("logs", "--no-log-prefix", "sync").strip()
    require((restarts, state, lines) == ("0", "running", ""), f"sync: {state}, {restarts} restarts {lines[-300:]}")
    fsync = trial.run("exec", "-T", "redis", "redis-cli", "CONFIG", "GET", "appendfsync").split()[-1]
    wanted = "always" if trial.environ.get("HEADRACE_DURABLE") == "always" else "no"
    require(fsync == wanted, f"appendfsync is {fsync}, not {wanted}")


def it_audits(trial: Trial) -> None:
    """The audit has a line for each task that has ended, after all that was killed, and its chain is whole."""
    said = trial.run("exec", "-T", "audit", "python", "-m", "deploy.audit", "verify").splitlines()
    require(said[-1].startswith("The chain is whole."), "\n".join(said))
    lines = trial.run("exec", "-T", "audit", "python", "-m", "deploy.audit", "export")
    ended = [line for line in lines.splitlines() if '"event":"task.ended"' in line]
    require(bool(ended), "the audit knows of no task that has ended")
    say(f"  {len(ended)} tasks in the audit, and {said[0]}")


def it_is_confined(trial: Trial) -> None:
    """No container is root, may write its files or has capabilities; nothing listens beyond loopback."""
    for service in ("nginx", "gateway", "consumer", "redis", "sync", "audit"):
        container = trial.containers(service)[0]
        read_only, caps = trial.inspect(container, "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}").split(
            " ", 1
        )
        user = trial.inspect(container, "{{.Config.User}}")
        ports = trial.inspect(
            container, "{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}"
        ).split()
        require(read_only == "true" and caps == "[ALL]", f"{service}: read-only {read_only}, drops {caps}")
        require(user not in ("", "root", "0"), f"{service} runs as {user or 'root'}")
        require(set(ports) <= {"127.0.0.1"}, f"{service} publishes on {ports}")


def require(true: bool, what: str) -> None:
    """Raises Problem unless it is true."""
    if not true:
        raise Problem("The containers do not do what they should.", what, "docker compose logs", OURS)


STEPS = (
    it_starts,
    it_has_a_door,
    it_is_confined,
    it_scales,
    it_survives,
    it_stops_politely,
    it_keeps_what_it_accepted,
    it_audits,
    it_syncs,  # last: it must have run all the while
)


def main() -> int:
    """Every step, then away with it, whatever came of it."""
    trial = Trial(environment(ROOT / ".env"))
    if subprocess.run([*trial.docker, "info"], capture_output=True, check=False, env=trial.environ).returncode:
        complain(
            "Docker is installed but its engine does not answer.\n"
            "Start it (Docker Desktop, or: sudo systemctl start docker), then run this again.\n"
            "No Docker needed at all:  make up"
        )
        return ENVIRONMENT
    try:
        for step in STEPS:
            say(f"{step.__name__.replace('_', ' ')} …")
            step(trial)
    except Problem as problem:
        complain(str(problem))
        complain(trial.run("ps", "--all") + trial.run("logs", "--tail", "5"))
        return problem.exit_code
    finally:
        trial.run("down", "--volumes", "--remove-orphans")
    say(f"{len(STEPS)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
