"""Do the invariants of docs/architecture.md hold now? As far as a bounded look shows; the tests look at all."""

from deploy.inspect.question import About, Question, lua
from pipeline.record import FINAL, STATES


def invariants(about: About) -> list[Question]:
    """Each answers how many are wrong of how many that were looked at, and then which."""
    keys = about.keys
    task = keys("task", "")
    rows, partials = (keys(name, "?").partition("?")[2] for name in ("rows", "partials"))
    states = [keys("index_state", state) for state in STATES]
    final = [keys("index_state", state) for state in STATES if state in FINAL]
    kinds, owners = keys("index_kind", ""), keys("index_owner", "", "").removesuffix(":")
    ring = keys("ring", "", "").removesuffix(":")
    return [
        Question(
            "I1: is each job in one place?",
            (lua("one_place", [*keys.streams(), task], rows),),
            "The newest 200 entries of each stream: a row names each. What a hand put there becomes a dead letter when"
            " it is read.",
        ),
        Question(
            "I2, I3, I12: are parts, waves and starts counted rightly?",
            (lua("parts", [keys("index_state", "running"), task], rows),),
            "The oldest 200 running tasks, those of many parts.",
        ),
        Question(
            "I4, I6, I11: has what ended nothing left, and will it be removed?",
            (lua("over", [*final, task], rows, partials),),
            "The newest 200 of each final state.",
        ),
        Question(
            "I16: do the indexes say what the records say?",
            (lua("indexed", [*states, task, kinds, owners]),),
            "The newest 100 of each state.",
        ),
        Question(
            "I17: are shares what is in being, and does nobody wait beside a share that is not full?",
            (lua("shares", [*keys.streams(), keys("shares"), keys("later"), task, ring], str(about.share)),),
            "What a hand took away the reaper counts again within a minute. The share grows with the fleet; `make"
            " inspect` knows by how much.",
        ),
    ]
