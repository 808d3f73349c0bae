"""`make inspect`: every question, the line to type, and its answer now.

python -m deploy.inspect [TASK]     about this task, else about the newest
python -m deploy.inspect page       the text of docs/inspect.md
"""

import sys
from datetime import UTC, datetime, timedelta

from deploy import stack
from deploy.inspect import page
from deploy.inspect.asker import Asker
from deploy.inspect.question import About, Question
from deploy.inspect.questions import everything
from deploy.tell import NOT_RUNNING, OURS, complain, say, wrong_setting
from pipeline import verbs
from pipeline.apikeys import EVERYONE, HOME
from pipeline.errors import PipelineError, SettingsError, StoreAway
from pipeline.settings import Settings
from pipeline.store import Store

MINUTES = 5
MOST_LINES, MOST_LETTERS = 24, 160  # of an answer; the line that is typed gives all of it
NO_TASK = "-"


def main(arguments: list[str]) -> int:
    """Print all of it; the exit code."""
    if arguments == ["page"]:
        sys.stdout.write(page.text())
        return 0
    try:
        settings = stack.read().settings
        about = find(settings, *arguments[:1])
        asker = Asker(settings)
        for heading, questions in everything(about).items():
            say(f"\n━━ {heading}" + (f" ({about.task})" if heading == "One task" else ""))
            for question in questions:
                show(asker, question)
        asker.close()
    except StoreAway as away:
        complain(f"The store does not answer.\n{away}\nStart everything:  make up")
        return NOT_RUNNING
    except SettingsError as wrong:
        return wrong_setting(wrong)
    except PipelineError as refused:
        complain(f"The store refused a command.\n{refused}\nThe user of HEADRACE_REDIS_URL must be allowed to read.")
        return OURS
    return 0


def find(settings: Settings, task: str = "") -> About:
    """What to ask about: the given or the newest task; the kind of the newest that failed; the last minutes."""
    store = Store(settings, "inspect")
    newest, failed = (store.do(verbs.page(limit=1)).tasks, store.do(verbs.page(state="failed", limit=1)).tasks)
    batches = store.do(verbs.batches(EVERYONE, 1))
    children = sum(len(beat.children) for beat in store.do(verbs.fleet()))
    now = datetime.fromtimestamp(store.do(verbs.clock()) / 1000, UTC)
    store.close()
    minutes = [now - timedelta(minutes=ago) for ago in reversed(range(MINUTES))]
    return About(
        keys=store.keys,
        task=task or (newest[0].id if newest else NO_TASK),
        kind=(failed or newest)[0].kind if newest else NO_TASK,
        code=str((failed[0].error or {}).get("code", NO_TASK)) if failed else NO_TASK,
        owner=newest[0].owner if newest else HOME,
        batch=batches[0] if batches else NO_TASK,
        same=NO_TASK,
        submission=NO_TASK,
        minutes=tuple(f"{minute:%Y%m%d%H%M}" for minute in minutes),
        lease_ms=int(settings.lease_s * 1000),
        share=settings.share_for(children),
    )


def show(asker: Asker, question: Question) -> None:
    """A question, what to type, what it says now."""
    say(f"\n{question.asked}")
    for line in question.lines:
        say(f"  {asker.typed(line)}")
        said = asker.answer(line)
        said = said if any(said) else ["(nothing)"]
        for text in said[:MOST_LINES]:
            say(f"    {text[:MOST_LETTERS]}{'…' if len(text) > MOST_LETTERS else ''}".rstrip())
        if len(said) > MOST_LINES:
            say(f"    … and {len(said) - MOST_LINES} more")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
