"""`python -m deploy.inspect page > docs/inspect.md`: the page of all questions; a test holds it to be this."""

from collections.abc import Iterator

from deploy.inspect.asker import reached_by, typed
from deploy.inspect.question import About
from deploy.inspect.questions import everything
from pipeline.keys import Keys
from pipeline.settings import Settings

ABOUT = About(
    keys=Keys(),
    task="$TASK",
    kind="$KIND",
    code="$CODE",
    owner="$OWNER",
    batch="$BATCH",
    same="$IDEMPOTENCY_KEY",
    submission="$SUBMISSION_ID",
    minutes=("$MINUTE",),
    lease_ms=int(Settings().lease_s * 1000),
    share=Settings().share,
)
FRONT = """\
# What is in the store now?

`make inspect` prints each question below with its redis-cli line and its answer of now; `make inspect TASK=…` asks
about a certain task, else it is the newest. Where redis-cli is not installed the answers come all the same.

Every line only reads. None walks all keys (`KEYS`), none follows the store (`MONITOR`), and those that look through a
stream look at its newest entries. The longer ones send a few lines of Lua with `EVAL_RO`, which refuses to write.
Do not try to look with `XAUTOCLAIM`, `XCLAIM`, `XACK` or `XREADGROUP`: they take jobs from those who work on them.

The lines are for the store of `make up`. For another one put its `-h`, `-p`, `--user` or `--tls` in the place of `-p
6390`, and its password into `REDISCLI_AUTH`. All keys begin with `HEADRACE_PREFIX`, here `{headrace}`; what each key
holds stands in [architecture.md](architecture.md). Set what the lines are about first:

    TASK=01KAX3V5Q27M9K2P0Z4DX1C8TQ
    KIND=option_european
    CODE=child_died
    OWNER=local
    BATCH=01KAX3V5Q27M9K2P0Z4DX1C8TQ
    IDEMPOTENCY_KEY=a-key-of-your-own
    SUBMISSION_ID=1f0c7d3f4c8e4b0f9a54e4a6b1f0d2c3
    MINUTE=$(date -u +%Y%m%d%H%M)

Questions about what happened earlier are better put to the logs: [logs.md](logs.md).
"""


def lines() -> Iterator[str]:
    """The page."""
    yield FRONT
    options, _ = reached_by(Settings().redis_url)
    for heading, questions in everything(ABOUT).items():
        yield f"## {heading}\n"
        for question in questions:
            yield f"### {question.asked}\n"
            yield "".join(f"    {typed(line, options)}\n" for line in question.lines)
            if question.note:
                yield f"{question.note}\n"


def text() -> str:
    """The page, as it stands in its file."""
    return "\n".join(lines())
