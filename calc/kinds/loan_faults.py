"""What is wrong between the fields of the kind `loan`: every fault at once."""

from calc.checks import length_faults
from calc.errors import Fault
from calc.kinds.loan_columns import BOUNDS, list_lengths, rows_of
from calc.kinds.loan_terms import TASKS, Params
from calc.numerics import columns, day_counts

MOST_ROWS = 1_000_000
MOST_ANSWER = 7_500_000  # bytes, by 20 a number
_LEVEL_OF_AMOUNT = ("amount", "rate")
_LEVEL_OF_PRINCIPAL = ("principal", "rate_per_period", "periods")
_FREE = {"task", "output"}


def faults_of(params: Params) -> list[Fault]:
    """All that is wrong; paths begin with $."""
    terms = TASKS[params.task]
    taken = {*terms.needs, *terms.columns, *terms.others} | _FREE
    faults = [
        Fault(f"$.{name}", f"is not used by the task {params.task}", allowed="leave it out")
        for name in params.__struct_fields__
        if name not in taken and getattr(params, name) is not None
    ]
    faults += [_missing(name, params.task) for name in terms.needs if getattr(params, name) is None]
    faults += _RULES[params.task](params)
    faults += _bound_faults(params)
    return faults or _size_faults(params)


def _missing(name: str, task: str) -> Fault:
    return Fault(f"$.{name}", f"is missing: the task {task} needs it", code="missing")


def _level_faults(params: Params) -> list[Fault]:
    by_amount = [name for name in _LEVEL_OF_AMOUNT if getattr(params, name) is not None]
    by_principal = [name for name in _LEVEL_OF_PRINCIPAL if getattr(params, name) is not None]
    if bool(by_amount) == bool(by_principal):
        allowed = "amount and rate; or principal, rate_per_period and periods"
        return [Fault("$", "needs one of the two ways to say a loan, and not both", allowed=allowed)]
    wanted, has = (_LEVEL_OF_AMOUNT, by_amount) if by_amount else (_LEVEL_OF_PRINCIPAL, by_principal)
    faults = [_missing(name, params.task) for name in wanted if name not in has]
    if by_principal:
        faults += [
            Fault(f"$.{name}", "belongs to amount and rate", allowed="leave it out")
            for name in ("term_months", "compounding")
            if getattr(params, name) is not None
        ]
    if None not in (params.from_period, params.to_period) and params.from_period > params.to_period:  # type: ignore[operator]
        faults.append(Fault("$.from_period", "must be at most to_period", params.from_period, code="out_of_range"))
    return faults


def _reg_z_faults(params: Params) -> list[Fault]:
    faults = []
    if isinstance(params.payments, list) and any(isinstance(each, list) for each in params.payments):
        faults.append(Fault("$.payments", "must be a number of payments", allowed="a whole number", code="wrong_type"))
    if params.first_period_units == 0 and not params.first_period_days:
        faults.append(Fault("$.first_period_units", "and first_period_days leave no time to the first payment", 0))
    return faults


def _eu_faults(params: Params) -> list[Fault]:
    faults = []
    if params.payments is not None and not isinstance(params.payments, list):
        detail = "must be a list of [years, amount]"
        faults.append(Fault("$.payments", detail, params.payments, "like [[0.5, 272], [1, 544]]", "wrong_type"))
        return faults
    for field in ("advances", "payments"):
        for i, each in enumerate(getattr(params, field) or []):
            if not isinstance(each, list) or len(each) != 2 or not 0 <= each[0] <= 200 or not 0 < each[1] <= 1e15:
                allowed = "years from 0 to 200 and an amount above 0 and at most 1e15"
                faults.append(Fault(f"$.{field}[{i}]", "must be [years, amount]", allowed=allowed))
        if getattr(params, field) == []:
            faults.append(Fault(f"$.{field}", "is empty: a rate needs both advances and payments"))
    return faults[:100]


def _xirr_faults(params: Params) -> list[Fault]:
    book = [name for name in ("lengths", "days", "amounts") if getattr(params, name) is not None]
    if (params.flows is None) == (not book):
        return [Fault("$.flows", "is needed; or, for a book, lengths with days and amounts; and not both")]
    if book:
        faults = [_missing(name, "xirr") for name in ("lengths", "days", "amounts") if name not in book]
        total = sum(params.lengths or [])
        return faults or [
            Fault(f"$.{name}", f"has {len(column):,} entries, lengths add up to {total:,}", code="length_mismatch")
            for name, column in (("days", params.days or []), ("amounts", params.amounts or []))
            if len(column) != total
        ]
    return [fault for i, flow in enumerate(params.flows or []) for fault in _flow_faults(i, flow)][:100]


def _flow_faults(i: int, flow: list[str | float]) -> list[Fault]:
    allowed = 'like ["2024-01-31", -1000]'
    if len(flow) != 2 or not isinstance(flow[0], str) or isinstance(flow[1], str):
        return [Fault(f"$.flows[{i}]", "must be [date, amount]", allowed=allowed)]
    if not day_counts.ordinal(flow[0]):
        return [Fault(f"$.flows[{i}][0]", "is no date", flow[0][:100], allowed)]
    if abs(flow[1]) > 1e15:
        return [Fault(f"$.flows[{i}][1]", "must be at most 1e15 on either side", flow[1], code="out_of_range")]
    return []


def _prepayment_faults(params: Params) -> list[Fault]:
    if (params.psa is None) == (params.cpr is None):
        return [Fault("$.psa", "or cpr is needed, and not both", allowed="one of them")]
    return []


_RULES = {
    "payment": _level_faults,
    "schedule": _level_faults,
    "apr_reg_z": _reg_z_faults,
    "apr_eu": _eu_faults,
    "xirr": _xirr_faults,
    "prepayment": _prepayment_faults,
}


def _bound_faults(params: Params) -> list[Fault]:
    """Columns of unequal length, and single numbers that are outside of their bounds."""
    faults = length_faults(list_lengths(params), MOST_ROWS)
    for name in TASKS[params.task].columns:
        value = getattr(params, name)
        allowed = columns.wrong(value, BOUNDS[name]) if isinstance(value, (int, float)) else ""
        if allowed:
            faults.append(Fault(f"$.{name}", f"must be {allowed}", value, allowed, "out_of_range"))
    return faults


def _size_faults(params: Params) -> list[Fault]:
    rows, told = rows_of(params), len(TASKS[params.task].outputs)
    most = MOST_ANSWER // (20 * told + 5)
    if params.output == "totals" or rows <= most:
        return []
    detail = (
        f"rows of {rows:,} contracts would be an answer of {rows * (20 * told + 5) / 1e6:.1f} MB: at most {most:,} rows"
    )
    return [Fault("$.output", detail, "rows", 'output "totals", or fewer contracts', "too_large")]
