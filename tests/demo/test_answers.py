"""What the demo says of answers: right and wrong ones, a bar that moves, a table that adds up."""

import io
from typing import Any

import pytest

from examples import answers, demo, portfolio
from examples.answers import Bar, show
from examples.checks import Figure
from examples.portfolio import Portfolio
from examples.questions import Question


@pytest.fixture(scope="module")
def held() -> Portfolio:
    return portfolio.read()


def option(price: float, parts: int = 2, done: int = 2, state: str = "succeeded") -> Question:
    """A call whose closed form is 10 and whose standard error is 0.01."""
    result = {"price": price, "standard_error": {"price": 0.01}, "closed_form": 10.0}
    task = {"task_id": "T1", "state": state, "progress": {"done": done, "parts": parts}, "waited_ms": 3, "ran_ms": 1234}
    asked = Question("a call", {"kind": "option_european"}, task)
    task["result"] = result if state == "succeeded" else None
    return asked


@pytest.mark.parametrize(("price", "code"), [(10.0399, 0), (9.9601, 0), (10.0401, 1), (9.9599, 1)])
def test_four_standard_errors_are_right_and_more_are_wrong(
    held: Portfolio, price: float, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.judge([option(price)], held) == code
    assert ("WRONG  a call: price is" in capsys.readouterr().err) == bool(code)


@pytest.mark.parametrize(("answer", "right"), [(1.0, True), (1.0 + 1e-12, True), (1.000001, False)])
def test_what_is_not_simulated_must_be_equal(answer: float, right: bool) -> None:
    assert Figure("var", answer, 0.5, 1.0, simulated=False).right is right


def test_a_simulated_answer_without_any_error_must_be_equal() -> None:
    assert not Figure("price", 1.1, None, 1.0, simulated=True).right


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (option(10, state="running"), "a call: is still running. Look with:  make doctor"),
        (Question("a call", {"kind": "option_european"}, refused="$.data is missing"), "a call: $.data is missing"),
        (Question("a call", {"kind": "option_european"}), "a call: was not accepted"),
    ],
)
def test_a_task_without_an_answer_is_wrong_and_says_why(
    held: Portfolio, question: Question, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.judge([question], held) == demo.WRONG
    assert capsys.readouterr().err == f"WRONG  {why}\n"


def test_a_failed_task_says_its_error(held: Portfolio, capsys: pytest.CaptureFixture[str]) -> None:
    failed = option(10, state="failed")
    failed.task["error"] = {"code": "child_died", "message": "Child died: exit code 7."}
    assert demo.judge([option(10), failed], held) == demo.WRONG
    assert capsys.readouterr().err == "WRONG  a call: Child died: exit code 7.\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_terminal_a_bar_grows_in_its_place() -> None:
    out = Terminal()
    bar = Bar(out, [option(10, parts=2, done=1, state="running"), Question("not yet looked at", {})])
    bar.draw()
    assert out.getvalue() == "", "not more often than it can be seen"
    bar._drawn -= answers.DRAW_S
    bar.draw()
    bar.draw(last=True)
    drawn = out.getvalue().split("\r\x1b[K")
    assert drawn[1].startswith("█" * 10 + "░" * 20 + "  0 of 2 tasks, 1 of 3 parts, ")
    assert out.getvalue().count("\n") == 1


def test_elsewhere_there_are_plain_lines() -> None:
    out = io.StringIO()
    Bar(out, [option(10)]).draw(last=True)
    assert out.getvalue().startswith("1 of 1 tasks, 2 of 2 parts, ")
    assert "\r" not in out.getvalue()
    assert "\x1b" not in out.getvalue()


def span(consumer: str, child: int, outcome: str = "done") -> dict[str, Any]:
    return {"consumer": consumer, "child": child, "job": "p0", "started_at": 1, "ran_ms": 1.0, "outcome": outcome}


def test_the_table_says_who_did_how_many_jobs(held: Portfolio) -> None:
    question, out = option(10.02), io.StringIO()
    question.spans = [span("host-b", 0), span("host-a", 2), span("host-a", 2), span("host-a", 1, "child_died")]
    show([question], held, out)
    header, row, _, *legend = out.getvalue().strip("\n").splitlines()
    assert header.split() == ["answer", "±", "s.e.", "check", "off", "by", "waited", "ran", "jobs", "by", "child"]
    assert row.split("  ")[-2:] == ["c1 0·0·2", "c2 1·0·0"]
    assert row.split()[:5] == ["a", "call", "price", "10.02000", "0.01000"]
    assert "+2.0 s.e." in row
    assert "1,234 ms" in row
    assert legend[:2] == ["c1 is host-a", "c2 is host-b"]


def test_the_table_shows_a_task_without_an_answer(held: Portfolio) -> None:
    out = io.StringIO()
    show([Question("a call", {"kind": "option_european"}, refused="no"), option(10, state="failed")], held, out)
    assert [line.split()[:3] for line in out.getvalue().splitlines() if line.startswith("a call")] == [
        ["a", "call", "no"],
        ["a", "call", "failed"],
    ]
