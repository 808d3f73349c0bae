"""Ways down to the minima of `model_calibration`: where each starts, where it ends, and which ends are the same."""

from msgspec import Struct, structs

from calc import lazy
from calc.kind import once_per_params
from calc.kinds.model_calibration_params import MODELS, Params, limits, market
from calc.numerics import calibration, heston_fit, sabr
from calc.numerics.smiles import Smile

sobol = lazy.module("calc.kernels.sobol")

MOST_MINIMA = 10  # kept of a smile
SECONDS_A_PART = 0.5
SAME_PARAMETER, SAME_COST = 1e-3, 1e-4  # relative: two ways down that end in one minimum


class Minimum(Struct, frozen=True):
    """Where `starts` ways down ended, the first of them from `start`. `cost` is half the weighted sum of squares."""

    parameters: dict[str, float]
    cost: float
    start: int
    starts: int
    iterations: int
    converged: bool
    nodes: int


def groups(params: Params) -> list[list[Smile]]:
    """The quotes that are fitted together: of one maturity for SABR, all for Heston."""
    if params.task == "evaluate":
        return []
    return [[each] for each in market(params)] if params.model == "sabr" else [market(params)]


@once_per_params
def _surface(params: Params) -> heston_fit.Surface:
    return heston_fit.Surface(market(params))


def seconds_a_start(params: Params) -> float:
    """CPU seconds of one way down, as measured; SABR's β and ρ say nearly the same."""
    count, maturities = len(params.quotes or []), len({quote.maturity for quote in params.quotes or []})
    if params.model == "heston":
        return 6e-4 * maturities + 4e-5 * count
    return (1.2e-4 if "beta" in params.fixed else 5e-4) * count


def starts_a_part(params: Params) -> int:
    return max(1, int(SECONDS_A_PART / seconds_a_start(params)))


def _start(params: Params, group: list[Smile], number: int) -> list[float]:
    """Parameters from which to go down: the middle of the box (and what the client said), then Sobol points in it."""
    names = MODELS[params.model].NAMES
    place = sobol.points(0, 0, number - 1, 1, len(names))[0].tolist() if number else [0.5] * len(names)
    if params.model == "heston":
        point = calibration.within(heston_fit.start_box(group), place)
    else:
        point = calibration.within(sabr.start_box(group[0]), place)
        said = {**params.fixed, **(params.start if number == 0 else {})}
        point = sabr.from_box(group[0], point, said.get("beta", point[1]))
    return [params.start.get(name, value) if number == 0 else value for name, value in zip(names, point, strict=True)]


def descend(params: Params, group: list[Smile], number: int) -> Minimum:
    """The minimum below a start."""
    start, (low, high) = _start(params, group, number), limits(params)
    if params.model == "heston":
        fit, nodes = heston_fit.fit(_surface(params), start, low, high)
    else:
        fit, nodes = sabr.fit(group[0], start, low, high), 0
    parameters = dict(zip(MODELS[params.model].NAMES, fit.parameters, strict=True))
    return Minimum(parameters, fit.at.cost, number, 1, fit.iterations, fit.converged, nodes)


def merged(known: list[Minimum], new: list[Minimum]) -> list[Minimum]:
    """Both lists, minima that are the same counted together, the cheapest first, not more than are kept."""
    kept = list(known)
    for each in new:
        place = next((i for i, other in enumerate(kept) if _same(each, other)), None)
        if place is None:
            kept.append(each)
            continue
        best = min(kept[place], each, key=lambda one: (one.cost, one.start))
        start, starts = min(kept[place].start, each.start), kept[place].starts + each.starts
        kept[place] = structs.replace(best, start=start, starts=starts)
    return sorted(kept, key=lambda one: (one.cost, one.start))[:MOST_MINIMA]


def _same(one: Minimum, other: Minimum) -> bool:
    pairs = [(value, other.parameters[name]) for name, value in one.parameters.items()]
    near = all(abs(a - b) <= SAME_PARAMETER * max(abs(a), abs(b)) + 1e-6 for a, b in pairs)
    return near and abs(one.cost - other.cost) <= SAME_COST * max(one.cost, other.cost) + 1e-14
