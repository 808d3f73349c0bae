"""`make test-compose`: build the images, run all of it in containers, scale, kill, drain and restart; then remove it.

Needs a Docker engine and Compose (`COMPOSE` names the command). Of the metrics overlay Grafana alone is not run.
"""

import hashlib
import hmac
import subprocess
import sys
import threading
import time
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import quote

import msgspec

from deploy.ask import ask
from deploy.prove import KNOWN
from deploy.stack import ROOT
from deploy.tell import ENVIRONMENT, Problem, complain, say
from deploy.trial import (
    BASIC,
    DASHBOARD_PORT,
    HTTP_PORT,
    KEY,
    PROJECT,
    PROMETHEUS_PORT,
    Trial,
    answering_gateways,
    calculate,
    is_right,
    require,
    until,
)
from deploy.try_receiver import Received
from pipeline.settings import environment

RECEIVER_PORT = 9_000


# ── the trial, step by step ──


def it_starts(trial: Trial) -> None:
    """Built, started, right."""
    begun = time.monotonic()
    trial.run("build")
    say(f"  built in {time.monotonic() - begun:.0f} s")
    begun = time.monotonic()
    trial.run("up", "-d", "--no-build", "--wait", *trial.services)
    say(f"  all healthy in {time.monotonic() - begun:.1f} s")
    answer = calculate()
    require(is_right(answer), f"POST /tasks answered {answer.status} {answer.text[:300]}")
    require(len(answering_gateways()) == 3, "three gateways answer on ports of their own")


def it_has_a_door(trial: Trial) -> None:
    """The dashboard's port asks for its password, and with it serves an admin of that name."""
    require(ask(DASHBOARD_PORT, "GET", "/session").status == 401, "the dashboard asks for its password")
    answer = ask(DASHBOARD_PORT, "GET", "/session", headers=BASIC)
    require(answer.ok and answer.json["role"] == "admin", f"GET /session answered {answer.status} {answer.text[:200]}")
    page = ask(DASHBOARD_PORT, "GET", "/dashboard/", headers=BASIC)
    require(page.ok and "<html" in page.text, f"GET /dashboard answered {page.status} {page.text[:200]}")
    require(ask(HTTP_PORT, "GET", "/session", headers=BASIC).status == 401, "its password is one at its own port only")
    forged = {"X-Headrace-Door": "x", "X-Headrace-Actor": "trial"}
    require(ask(HTTP_PORT, "GET", "/session", headers=forged).status == 401, "nobody else can say that they came by it")


def it_scales(trial: Trial) -> None:
    """Five of each without editing a file; nginx finds the new ones (case B54: it asks the name server again)."""
    trial.run("up", "-d", "--no-build", "--wait", "--scale", "consumer=5", "--scale", "gateway=5", *trial.services)
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
        trial.run(
            "up", "-d", "--no-build", "--no-recreate", "--scale", "consumer=5", "--scale", "gateway=2", *trial.services
        )
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
    trial.run("up", "-d", "--no-build", "--wait", "--scale", "consumer=3", "--scale", "gateway=3", *trial.services)
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
    for service in ("nginx", "gateway", "consumer", "webhooks", "redis", "sync", "audit", "prometheus"):
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


def it_delivers(trial: Trial) -> None:
    """What a task owes its webhook comes signed, also when it ended while there was no courier."""
    made = ask(HTTP_PORT, "POST", "/webhook-secrets", {"owner": "local"}, KEY)
    require(made.ok, f"POST /webhook-secrets answered {made.status} {made.text[:200]}")
    network, name = f"{PROJECT}_outside", f"{PROJECT}-receiver"
    image = trial.inspect(trial.containers("webhooks")[0], "{{.Config.Image}}")
    place = ["--detach", "--rm", "--name", name, "--network", network, "--network-alias", "receiver"]
    trial.call("run", *place, image, "python", "-m", "deploy.try_receiver", str(RECEIVER_PORT))
    try:
        trial.run("stop", "webhooks")
        webhook = {"webhook": f"http://receiver:{RECEIVER_PORT}/ended"}
        accepted = ask(HTTP_PORT, "POST", "/tasks", KNOWN | webhook, KEY | {"Prefer": "wait=30"}, limit_s=40)
        require(accepted.ok, f"POST /tasks answered {accepted.status} {accepted.text[:200]}")
        require(trial.call("logs", name) == "", "nothing comes without a courier")
        trial.run("up", "-d", "--no-build", "--no-recreate", "--no-deps", "webhooks")
        took_s = until("the webhook has come", lambda: trial.call("logs", name) != "")
        told = msgspec.json.decode(trial.call("logs", name).splitlines()[0], type=Received)
        signed = f"{told.headers['webhook-id']}.{told.headers['webhook-timestamp']}.{told.body}".encode()
        secret = b64decode(made.json["secret"].removeprefix("whsec_"))
        signature = b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        require(told.headers["webhook-signature"] == f"v1,{signature}", f"the signature is not ours: {told}")
        id = accepted.json["task_id"]
        require(told.headers["webhook-id"] == id and '"task.succeeded"' in told.body, f"it tells of {told}")
        state = ask(HTTP_PORT, "GET", f"/tasks/{id}", headers=KEY).json["webhook"]["state"]
        require(state == "delivered", f"the task says that its webhook is {state}")
        say(f"  told and signed, {took_s:.1f} s after there was a courier again")
    finally:
        trial.call("rm", "--force", name)


def it_is_measured(trial: Trial) -> None:
    """Prometheus of the overlay finds every gateway, one of which tells the figures of all, and knows our rules."""

    def told(query: str) -> list[dict[str, Any]]:
        answer = ask(PROMETHEUS_PORT, "GET", f"/api/v1/query?query={quote(query)}")
        return list(answer.json["data"]["result"]) if answer.ok else []

    took_s = until("Prometheus sees three gateways", lambda: len(told('up{job="headrace"} == 1')) == 3)
    until("one of them tells of everything", lambda: len(told("headrace_exporter == 1")) == 1)
    until("finished tasks are counted", lambda: bool(told("sum(headrace_tasks_finished_total) > 0")))
    rules = ask(PROMETHEUS_PORT, "GET", "/api/v1/rules").json["data"]["groups"]
    wrong = [rule["name"] for group in rules for rule in group["rules"] if rule["health"] not in ("ok", "unknown")]
    require({group["name"] for group in rules} >= {"headrace", "headrace-alerts"}, f"rule groups: {rules}")
    require(not wrong, f"rules that do not work: {wrong}")
    say(f"  Prometheus sees all gateways after {took_s:.1f} s, and {sum(len(g['rules']) for g in rules)} rules work")


STEPS = (
    it_starts,
    it_has_a_door,
    it_is_confined,
    it_scales,
    it_survives,
    it_stops_politely,
    it_keeps_what_it_accepted,
    it_delivers,
    it_is_measured,
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
