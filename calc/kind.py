"""What a kind of calculation is: a module with these names, and the laws that it obeys.

A kind divides its work into parts, runs one part at a time, and folds the partials, wave by wave and
in part order, into an accumulator from which the result is made:

    Params ──plan──▶ Plan(parts, waves)                        and what it will take: cost
    Params, n ──run──▶ Partial                                one part, anywhere, any time
    Params, Accumulator | None, [Partial] ──reduce──▶ Accumulator     one wave, in part order (I9)
    Params, Accumulator ──result──▶ Result

Laws (tests/calc/test_laws.py holds every kind in the table to them):
 1. Params, Partial, Accumulator and Result survive the way through JSON without a changed bit.
 2. `plan` depends on Params alone (I8): not on machine, clock, or number of workers.
 3. `run` is deterministic: the same Params and part give the same bytes, always, in any process.
 4. No call changes its arguments.
 5. A refusal is a CalcError; any other exception is a bug.
 6. No partial or result holds NaN or an infinity.
 7. A partial is at most 2 MB of JSON, a plan has 1 to 100,000 parts.
 8. `cost` is a finite number above 0, and depends on Params alone.

A kind may have, beside these names, `FURTHER_EXAMPLES`: a tuple of data, one for each way that its code can go. They
are run before children are forked, so that all that is compiled or loaded at its first use is there. A stochastic one
may have `paths_in(params, partial)`: how many paths or scenarios a partial stands on (0 where it is not simulated), in
the unit of its estimate's `n`. It is what is counted as paths a second.

A number of the data is 0, or from 1e-30 to 1e30 in size: a smaller one is calculated with as 0 (and refused where the
field must be above 0), a larger one is refused. A kind that calculates with all of them says `ANY_SIZE = True`; where a
book has columns, a row that would be refused is a bad one.

A kind with a field `seed` (an integer or None) is stochastic: who plans fills the seed in, so that what is
stored is complete and can be computed again to the last bit.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from msgspec import Struct

MAX_PARTS = 100_000
MAX_PARTIAL_BYTES = 2_000_000
MOST_KEPT = 4  # Params beside which is kept what is derived from them

Value = TypeVar("Value")


class Plan(Struct, frozen=True):
    """How the work of a task is divided. Waves start with `first_wave` parts and double up to `largest_wave`."""

    parts: int
    first_wave: int = 8
    largest_wave: int = 64


class Estimate(Struct, frozen=True, omit_defaults=True):
    """What a folded prefix of the parts says already, for progress: both in the unit of the result.

    `n`: the paths or scenarios that it stands on; None of a kind that does not count such.
    """

    estimate: float
    standard_error: float
    n: int | None = None


class Caution(Struct, frozen=True):
    """A warning in the diagnostics of a result: the answer stands, but somebody should look at `path`."""

    code: str
    path: str
    detail: str


class Kind(Protocol):
    """The names a kind's module has. The module is the kind: no base class, no registration by side effect."""

    NAME: str
    VERSION: int  # a new one whenever a bit of a result may change
    ALIASES: tuple[str, ...]
    SUMMARY: str  # one sentence for people

    @property
    def EXAMPLE(self) -> Mapping[str, Any]:
        """Data that work as they stand."""

    @property
    def Params(self) -> Any:
        """The Struct of the data: bounds and units in its annotations, rules between fields in __post_init__."""

    @property
    def Partial(self) -> type[Struct]:
        """What running one part gives."""

    @property
    def Accumulator(self) -> type[Struct]:
        """The waves folded so far."""

    @property
    def Result(self) -> type[Struct]:
        """The task's one answer: flat named outputs, `standard_error`, `diagnostics`."""

    def plan(self, params: Any) -> Plan:
        """Divide the work. Raises CalcError where Params as a whole cannot be calculated."""

    def cost(self, params: Any) -> float:
        """Estimated CPU seconds of the whole task, within a factor of two: from measured unit costs."""

    def run(self, params: Any, part: int) -> Any:
        """The partial of one part, 0 <= part < parts."""

    def reduce(self, params: Any, accumulator: Any, partials: list[Any]) -> Any:
        """Fold the next wave; `accumulator` is None for the first."""

    def estimate(self, params: Any, accumulator: Any) -> Estimate | None:
        """What the folded parts say already; None where a prefix says nothing."""

    def enough(self, params: Any, accumulator: Any) -> bool:
        """Whether the client's target is reached, so that the parts beyond may be dropped."""

    def result(self, params: Any, accumulator: Any) -> Any:
        """The one answer, from all parts or from the prefix at which the task stopped."""


# What a kind's module must have.
MEMBERS = tuple(sorted({*Kind.__annotations__, *(name for name in vars(Kind) if not name.startswith("_"))}))


def no_estimate(params: Any, accumulator: Any) -> Estimate | None:
    """`estimate` of a kind of which a prefix says nothing."""
    return None


def never_enough(params: Any, accumulator: Any) -> bool:
    """`enough` of a kind that always runs all its parts."""
    return False


def one_part(params: Any) -> Plan:
    """`plan` of a kind whose work is not divided."""
    return Plan(parts=1)


def only_partial(params: Any, accumulator: Any, partials: list[Any]) -> Any:
    """`reduce` of such a kind: its one partial."""
    return partials[0]


def result_of_partial(params: Any, accumulator: Any) -> Any:
    """`result` of such a kind, whose one partial holds it."""
    return accumulator.result


def next_to_nothing(params: Any) -> float:
    """`cost` of a kind whose work nobody would wait for."""
    return 1e-4


_derived: dict[int, tuple[Any, dict[Callable[[Any], Any], Any]]] = {}


def once_per_params(function: Callable[[Any], Value]) -> Callable[[Any], Value]:
    """Keep what `function` derives from Params for the last few of them: a part needs it, and so does the next.

    Params are told apart by identity: they hold lists, so they have no hash, and they never change (law 4).
    The Params are kept beside what is derived from them, so that no other object can come to have their identity.
    """

    def derived(params: Any) -> Value:
        found = _derived.get(id(params))
        if found is None:
            if len(_derived) >= MOST_KEPT:
                del _derived[next(iter(_derived))]
            found = _derived[id(params)] = (params, {})
        kept = found[1]
        if function not in kept:
            kept[function] = function(params)
        value: Value = kept[function]
        return value

    return derived


def forget(params: Any = None) -> None:
    """Let go of all that `once_per_params` keeps of these Params, or of all; and of the Params themselves."""
    if params is None:
        _derived.clear()
    else:
        _derived.pop(id(params), None)


def wave_bounds(wave: int, first: int, largest: int) -> tuple[int, int]:
    """First part and end (exclusive) of a wave: sizes first, 2·first, 4·first, … up to largest, then largest.

    The scripts hold the same closed form in Lua; a test compares the two.
    """
    start, size = 0, first
    for k in range(wave):
        if size >= largest:
            start += (wave - k) * size
            break
        start += size
        size = min(2 * size, largest)
    return start, start + size
