"""Level loans, a book at a time: payments, schedules, rates that payments imply, pools that prepay.

Rows are contracts; columns are float64 arrays of equal length. Rates are per period, in decimals. A contract of n
payments p at rate r, the first after `due` = 0 or at once (1), owes `balloon` after n periods:

    principal = p (1 + r·due) a(r, n) + balloon (1+r)⁻ⁿ          a(r, n) = (1 - (1+r)⁻ⁿ) / r, n at r = 0
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, expm1, log, log1p
from calc.kernels.jit import inline, kernel

Array = NDArray[np.float64]

FOUND, NO_RATE = 0, 1  # of an implied rate
_MOST_STEPS = 100


@inline
def annuity(rate: float, periods: float) -> float:
    """What 1 at the end of each period is worth now; exact at rate 0 and near it."""
    if rate == 0.0:
        return periods
    return -expm1(-periods * log1p(rate)) / rate


@inline
def level_payment(principal: float, rate: float, periods: float, due: float, balloon: float) -> float:
    """The payment that repays `principal` down to `balloon`."""
    if rate < 0.0:  # in money of the end, for what it is worth now may be beyond what a number holds
        growth = periods * log1p(rate)
        return (principal * exp(growth) - balloon) * rate / (expm1(growth) * (1.0 + rate * due))
    left = balloon * exp(-periods * log1p(rate))
    return (principal - left) / (annuity(rate, periods) * (1.0 + rate * due))


@kernel
def payments(principal: Array, rate: Array, periods: Array, due: float, balloon: Array, out: Array) -> None:
    """Into `out` (rows × 2): the payment of each contract, and the interest that it pays in all."""
    for i in range(principal.size):
        payment = level_payment(principal[i], rate[i], periods[i], due, balloon[i])
        out[i, 0] = payment
        out[i, 1] = payment * periods[i] + balloon[i] - principal[i]


@inline
def _rounded(value: float, rounding: int) -> float:
    """`value` as it is (0), to the nearest whole with halves to even (1), or with halves away from 0 (2)."""
    if rounding == 0:
        return value
    if rounding == 1:
        return float(np.rint(value))
    return float(np.floor(value + 0.5)) if value >= 0.0 else float(np.ceil(value - 0.5))


@inline
def _first_repaid(owed: float, rate: float, periods: float, target: float) -> float:
    """Principal within the first of `periods` level payments at the ends of periods; later ones grow by 1 + rate."""
    if rate == 0.0:
        return (owed - target) / periods
    return (owed - target) * rate / expm1(periods * log1p(rate))


@kernel
def schedules(
    principal: Array,
    rate: Array,
    periods: Array,
    due: float,
    balloon: Array,
    rounding: int,
    table: Array,
    out: Array,
) -> None:
    """Add each contract's schedule to `table` (periods × payment, interest, principal, balance).

    Into `out` (rows × 3) go the regular payment, the interest in all, and the last payment, which takes what rounding
    left. With `rounding` the money is in whole cents here, and the unit of every figure is the cent. Without it
    principal is repaid by the closed form, which is stable at any rate, and balances are what is left.
    """
    for i in range(principal.size):
        n = int(periods[i])
        regular = _rounded(level_payment(principal[i], rate[i], periods[i], due, balloon[i]), rounding)
        target = _rounded(balloon[i] / (1.0 + rate[i] * due), rounding)  # what is owed after the last payment
        if rounding == 0 and periods[i] * log1p(rate[i]) > 650.0:  # principal grows beyond what a number holds
            out[i, :] = np.inf
            continue
        balance = principal[i]
        in_all = paid = 0.0
        grown = _first_repaid(balance, rate[i], periods[i], target)
        if due > 0.0 and n > 1:
            grown = _first_repaid(balance - regular, rate[i], periods[i] - 1.0, target)
        for k in range(n):
            at_once = k == 0 and due > 0.0
            interest = 0.0 if at_once else _rounded(balance * rate[i], rounding)
            repaid = regular - interest if at_once or rounding > 0 else grown
            if rounding > 0 and (k == n - 1 or (repaid > balance - target and balance >= target)):
                repaid = balance - target
            if not at_once:
                grown *= 1.0 + rate[i]
            balance = target if k == n - 1 else balance - repaid
            paid = repaid + interest
            in_all += interest
            table[k, 0] += paid
            table[k, 1] += interest
            table[k, 2] += repaid
            table[k, 3] += balance
        out[i, 0] = regular
        out[i, 1] = in_all + (balloon[i] - target)  # the second is the last period's, when nothing is paid
        out[i, 2] = paid


@inline
def _powers(v: float, n: int) -> tuple[float, float]:
    """Σ v^k and Σ k v^k for k = 0 … n-1, by Horner's rule."""
    total = slope = 0.0
    for _ in range(n):
        slope = slope * v + total
        total = total * v + 1.0
    return total, slope * v


@kernel
def implied_rates(
    advance: Array,
    payment: Array,
    count: Array,
    units: float,
    fraction: float,
    periods_a_year: float,
    out: Array,
    status: NDArray[np.uint8],
) -> None:
    """The i per unit-period at which the payments are worth the advance; `status` says whether there is one.

    Into `out` (rows × 3): i times the unit-periods of a year, (1+i) to their power less 1, and the relative residual.

        advance = Σ_{k<n} payment / ((1 + fraction·i) (1+i)^(units + k))

    (12 CFR 1026, appendix J, (b)(8)). Newton's rule for the logarithm of the right side, nearly a straight line in
    x = ln(1+i), within bounds that shrink.
    """
    for row in range(advance.size):
        n = int(count[row])
        mean = units + fraction + 0.5 * (n - 1)
        low, high = -500.0 / (units + 1.0 + n), 30.0
        target = log(advance[row] / payment[row])
        x = min(max((log(float(n)) - target) / max(mean, 0.01), 0.5 * low), 3.0)
        status[row] = NO_RATE
        for _ in range(_MOST_STEPS):
            v = exp(-x)
            i = expm1(x)
            total, slope = _powers(v, n)
            odd = 1.0 + fraction * i
            gap = log(total) - units * x - target
            steep = -units - slope / total
            if fraction > 0.0:
                gap -= log(odd)
                steep -= fraction * (1.0 + i) / odd
            if gap > 0.0:
                low = x
            else:
                high = x
            step = -gap / steep
            if not abs(step) <= 1e-15 + 4e-16 * abs(x):
                x += step
                if not low <= x <= high:
                    x = 0.5 * (low + high)
                continue
            status[row] = FOUND
            break
        if high - low < 1e-14:
            status[row] = FOUND
        if abs(x - 30.0) < 1.0 or x < 0.98 * (-500.0 / (units + 1.0 + n)):
            status[row] = NO_RATE
        i = expm1(x)
        total, _ = _powers(exp(-x), n)
        out[row, 0] = i * periods_a_year
        out[row, 1] = expm1(periods_a_year * x)
        out[row, 2] = abs(payment[row] * total * exp(-units * x) / (1.0 + fraction * i) / advance[row] - 1.0)


@inline
def _monthly_prepayment(yearly: float) -> float:
    """SMM of a CPR: 1 - (1 - CPR)^(1/12)."""
    return -expm1(log1p(-yearly) / 12.0) if yearly < 1.0 else 1.0


@kernel
def pools(
    balance: Array,
    coupon: Array,
    months: Array,
    pass_through: Array,
    speed: Array,
    psa: bool,
    age: Array,
    table: Array,
    out: Array,
) -> None:
    """Add each pool's monthly flows to `table` (months × 5): balance before, interest of the borrowers, scheduled
    principal, prepaid principal, interest to the owner. `speed` is PSA in percent, or a CPR.

    Into `out` (rows × 4): the first payment, the average life in years, the interest to the owner in all, and what
    principal is not paid back by then, which rounding alone may leave.

    The payment and the scheduled balance are those of one loan that never prepays; `alive` is the share that is left.
    """
    for i in range(balance.size):
        n = int(months[i])
        rate = coupon[i] / 12.0
        growth = 1.0 + rate
        repaid = _first_repaid(balance[i], rate, months[i], 0.0)
        level = level_payment(balance[i], rate, months[i], 0.0, 0.0)
        scheduled = balance[i]
        alive = 1.0
        smm = _monthly_prepayment(speed[i]) if not psa else 0.0
        ramp = max(min(n, int(np.ceil(30.0 - age[i]))), 1) if psa else 0
        back_in_all = weighted = owned_in_all = 0.0
        for k in range(n):
            if k < ramp:
                yearly = 0.06 * min(1.0, (age[i] + k + 1.0) / 30.0) * speed[i] / 100.0
                smm = _monthly_prepayment(min(yearly, 1.0))
            after = scheduled - repaid if k < n - 1 else 0.0
            interest = scheduled * rate
            prepaid = alive * (smm * after)
            owned = alive * scheduled
            paid = alive * (scheduled - after)
            repaid *= growth
            table[k, 0] += owned
            table[k, 1] += alive * interest
            table[k, 2] += paid
            table[k, 3] += prepaid
            table[k, 4] += owned * (pass_through[i] / 12.0)
            back = paid + prepaid
            owned_in_all += owned
            back_in_all += back
            weighted += (k + 1) * back
            alive *= 1.0 - smm
            scheduled = after
        out[i, 0] = level
        out[i, 1] = weighted / (12.0 * balance[i])
        out[i, 2] = owned_in_all * (pass_through[i] / 12.0)
        out[i, 3] = balance[i] - back_in_all
