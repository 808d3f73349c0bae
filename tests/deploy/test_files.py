"""Files that must agree: `.env.example` and Compose with the settings, the locks with what they promise."""

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from deploy import render
from deploy.stack import ROOT
from pipeline.settings import Deployment, Settings

COMPOSE = (ROOT / "docker-compose.yml").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
# Set by Compose itself, or without a meaning in a container.
NOT_PASSED_ON = {"name", "host", "port"}


def variables(group: type[msgspec.Struct]) -> dict[str, str]:
    """Every variable of these settings with its default as one would write it."""
    defaults = msgspec.to_builtins(group())
    return {f"HEADRACE_{field.upper()}": _written(value) for field, value in defaults.items()}


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_env_example_lists_every_setting_with_its_default_and_a_word_of_explanation() -> None:
    listed = dict(re.findall(r"^#(HEADRACE_\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    # HEADRACE_REDIS_URL is in both; a person sees Deployment's default: empty, `make up` starts a store.
    assert listed == variables(Settings) | variables(Deployment)
    lines = EXAMPLE.splitlines()
    unexplained = [line for above, line in pairwise(lines) if line.startswith("#H") and not above.startswith("# ")]
    assert unexplained == []


def test_compose_passes_every_setting_on() -> None:
    passed = set(re.findall(r"^  (HEADRACE_\w+):", COMPOSE, re.MULTILINE))
    wanted = {f"HEADRACE_{field.upper()}" for field in Settings.__struct_fields__ if field not in NOT_PASSED_ON}
    assert passed == wanted


def test_compose_ties_the_grace_period_to_the_setting_that_each_process_checks() -> None:
    limit = f"${{HEADRACE_STOP_LIMIT_S:-{Settings().stop_limit_s:g}}}"
    assert f"HEADRACE_STOP_LIMIT_S: {limit}" in COMPOSE
    assert f"stop_grace_period: {limit}s" in COMPOSE


def test_compose_starts_each_program_itself() -> None:
    """B50: no shell stands before a program of ours and eats its signals; `init` reaps what they leave."""
    commands = re.findall(r"^    command: (.*)$", COMPOSE, re.MULTILINE)
    audit = '"deploy.audit", "run", "/var/headrace/audit", "tell"'
    wanted = ('"gateway"', '"consumer"', '"webhooks"', audit, '"deploy.sync", "/data"')
    assert commands == [f'["python", "-m", {words}]' for words in wanted]
    assert "exec redis-server" in COMPOSE, "the store's shell gives way to it"
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    assert all(
        command.startswith("[") for command in re.findall(r"^(?:CMD|ENTRYPOINT) (.*)$", dockerfile, re.MULTILINE)
    )
    assert "ENTRYPOINT" not in dockerfile
    assert "init: true" in COMPOSE


def test_compose_publishes_on_loopback_only_and_needs_no_edit_to_scale() -> None:
    published = re.findall(r'"([^"]+:\d+)"', COMPOSE)
    assert published == [
        "127.0.0.1:${HEADRACE_HTTP_PORT:-80}:8080",
        "127.0.0.1:${HEADRACE_DASHBOARD_PORT:-5555}:5555",
        "127.0.0.1:${HEADRACE_GATEWAY_PORTS:-8001-8020}:8000",
    ]
    assert "container_name" not in COMPOSE


def test_the_two_stores_of_ours_are_set_up_alike() -> None:
    template = (ROOT / "deploy" / "redis.conf.template").read_text()
    for setting in ("appendonly yes", 'save ""', "maxmemory-policy noeviction"):
        assert f"\n{setting}\n" in template
        assert f"--{setting}" in COMPOSE
    assert "\nappendfsync @APPENDFSYNC@\n" in template
    assert "always) fsync=always;; *) fsync=no;;" in COMPOSE
    assert "--appendfsync $$fsync" in COMPOSE
    assert render.APPENDFSYNC == {"everysec": "no", "always": "always"}
    compact = re.search(r"hash-max-listpack-value \d+", template)
    assert compact
    assert compact[0] in COMPOSE


@pytest.mark.parametrize("lock", ["run", "test"])
def test_a_lock_pins_hashes_and_names_no_host(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    blocks = re.split(r"\n(?=[a-z])", text.strip())
    assert all(re.match(r"[a-z0-9-]+==\S+", block) and "--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index-url" not in text
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    wanted = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", _in_file(lock), re.MULTILINE))
    assert wanted.items() <= pinned.items()


def _in_file(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.in").read_text()


def test_the_test_lock_holds_the_run_lock() -> None:
    run, test = ((ROOT / "requirements" / f"{name}.txt").read_text() for name in ("run", "test"))
    pins = re.compile(
        r"^[a-z0-9-]+==[^ ]+", re.MULTILINE
    )  # where a pin holds (`; marker`) may differ, the version may not
    assert set(pins.findall(run)) <= set(pins.findall(test))


def test_the_configuration_of_the_nginx_image_is_rendered_by_the_command_of_the_dockerfile(tmp_path: Path) -> None:
    assert "python -m deploy.render compose" in (ROOT / "deploy" / "Dockerfile").read_text()
    assert "server gateway:8000 resolve" in render.nginx_compose(Settings())


@pytest.mark.parametrize("script", ["deploy/setup.sh", "deploy/local_images.sh", ".ci/run"])
def test_scripts_are_valid_shell(script: str) -> None:
    shell = "bash" if script == ".ci/run" else "sh"
    assert subprocess.run([shell, "-n", ROOT / script], capture_output=True, check=False).returncode == 0


def test_what_the_images_are_made_of_goes_to_the_engine() -> None:
    """Each folder that the Dockerfile copies is let through by .dockerignore."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    copied = {path.split("/")[0] for path in re.findall(r"^COPY ([^-]\S*) ", dockerfile, re.MULTILINE)}
    sent = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == sent


def test_every_image_that_is_built_can_be_given_certificates() -> None:
    services = re.split(
        r"^  (?=[a-z])", COMPOSE.partition("\nservices:\n")[2].partition("\nnetworks:\n")[0], flags=re.MULTILINE
    )
    built = {each.partition(":")[0] for each in services if "<<: *app" in each or "    build:" in each}
    given = (ROOT / "deploy" / "compose.ca.yml").read_text().partition("services:")[2].partition("\nsecrets:")[0]
    assert set(re.findall(r"^  (\w+):$", given, re.MULTILINE)) == built
    assert given.count("secrets: [ca]") == len(built)
