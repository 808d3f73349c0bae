"""`make demo`: the risk of a real portfolio, option prices, portfolios, bonds, a book of 100,000 loans and more, all
submitted at once, each answer checked.

    prices ──▶ portfolio ──▶ tasks ──POST──▶ Headrace ──long poll──▶ answers ──▶ table

Every seed is given, so every run prints the same numbers, on any number of processes. Exit codes: 0 all answers are
right; 1 one is wrong, or a task failed; 3 Headrace does not run here.
"""

import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from deploy import stack
from examples import answers, checks, portfolio, questions
from examples.client import Away, Client, Refused, ended
from examples.portfolio import Portfolio
from examples.questions import Question
from pipeline import verbs
from pipeline.errors import PipelineError
from pipeline.settings import Settings
from pipeline.store import Store

LIMIT_S = 300.0  # for all of it
POLL_S = 0.5  # how long one question waits for the end of a task; in between we learn its progress
SPANS = 5_000  # how far back to look for who computed what
WRONG, NOT_RUNNING = 1, 3


def main(url: str = "", size: float = 1.0, limit_s: float = LIMIT_S) -> int:
    """Ask, watch, print, check; the exit code."""
    here = stack.read()
    client = Client(url or f"http://localhost:{here.wanted.http_port}")
    if not client.ready():
        print(f"Headrace does not answer at {client.url}. Start it:  make up", file=sys.stderr)
        return NOT_RUNNING
    held = portfolio.read()
    asked = questions.everything(held, size)
    print(
        f"{len(held.symbols)} stocks worth ${held.value:,.0f} on {held.last_day}, {len(held.returns)} days of returns"
        f" from {held.first_day}. Submitting {len(asked)} tasks to {client.url}, all at once."
    )
    watch(client, asked, limit_s)
    seen = find_spans(here.settings, asked)
    answers.show(asked, held, sys.stdout)
    if not seen:
        print("The store cannot be reached from here: who computed which job is not known.")
    return judge(asked, held)


def watch(client: Client, asked: Sequence[Question], limit_s: float) -> None:
    """A thread a task submits it and follows it to its end; this one shows how far all of them are."""
    bar, over = answers.Bar(sys.stdout, asked), threading.Event()
    until = time.monotonic() + limit_s
    with ThreadPoolExecutor(len(asked)) as threads:
        following = [threads.submit(follow, client, question, over) for question in asked]
        while not all(each.done() for each in following):
            bar.draw()
            time.sleep(answers.DRAW_S)
            if time.monotonic() > until:
                over.set()
    for each in following:
        each.result()  # raises what was raised in the thread
    bar.draw(last=True)


def follow(client: Client, question: Question, over: threading.Event) -> None:
    """Submit a task and keep its last state in `question.task`, until it has ended or time is over."""
    try:
        id = client.submit(question.body)
        question.task = client.look(id)
        while not ended(question.task) and not over.is_set():
            question.task = client.look(id, POLL_S)
    except (Away, Refused) as wrong:
        question.refused = str(wrong)


def find_spans(settings: Settings, asked: Sequence[Question]) -> bool:
    """Read from the store who computed which job; False where only the gateways reach it, as in Compose."""
    store = Store(settings, "demo")
    try:
        for question in asked:
            if question.task:
                question.spans = store.do(verbs.spans(question.task["task_id"], SPANS))
    except PipelineError:
        return False
    finally:
        store.close()
    return True


def judge(asked: Sequence[Question], held: Portfolio) -> int:
    """Say what is wrong; the exit code."""
    wrong = [f"{question.what}: {_why(question)}" for question in asked if question.task.get("state") != "succeeded"]
    checked = [(question, figure) for question in asked for figure in checks.figures(question, held)]
    wrong += [
        f"{question.what}: {figure.name} is {figure.answer:,.6g} and should be {figure.check:,.6g}"
        for question, figure in checked
        if not figure.right
    ]
    for line in wrong:
        print(f"WRONG  {line}", file=sys.stderr)
    if not wrong:
        print(f"All {len(asked)} tasks succeeded. {len(checked)} answers agree with their checks:")
        print(f"simulated ones within {checks.WITHIN:g} standard errors of what they must be, the others exactly.")
    return WRONG if wrong else 0


def _why(question: Question) -> str:
    if question.refused or not question.task:
        return question.refused or "was not accepted"
    error = question.task.get("error") or {}
    return error.get("message") or f"is still {question.task['state']}. Look with:  make doctor"


if __name__ == "__main__":
    sys.exit(main("".join(sys.argv[1:2])))
