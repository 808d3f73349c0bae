"""Loans beside pyxirr and numpy-financial."""

import datetime
from typing import Any

import numpy as np
import numpy_financial
import pyxirr

from bench.anchors.contest import Contest, looped, ours, scaled


def contests(size: float) -> list[Contest]:
    """`size` scales the contracts."""
    return [returns(size), schedules(size)]


def returns(size: float) -> Contest:
    """Dated flows, sixty a contract."""
    random, count, flows = np.random.default_rng(2), scaled(20_000, size), 60
    few = min(count, 2_000)
    days = np.cumsum(random.integers(25, 36, (count, flows)), axis=1)
    days[:, 0] = 0
    amounts = random.uniform(150, 250, (count, flows))
    amounts[:, 0] = -10_000
    first = datetime.date(2020, 1, 1)
    dates = [[first + datetime.timedelta(int(day)) for day in row] for row in days[:few]]

    def loop() -> list[Any]:
        return [pyxirr.xirr(when, row) for when, row in zip(dates, amounts[:few], strict=True)]

    data = {
        "task": "xirr",
        "lengths": [flows] * count,
        "days": days.ravel().tolist(),
        "amounts": amounts.ravel().tolist(),
    }
    return Contest(
        kind="loan",
        what=f"xirr of {count:,} contracts, {flows} flows each",
        anchor="pyxirr, a loop",
        goal=2,
        ours=ours("loan", data, lambda r: (r.xirr[few - 1], 0.0)),
        other=lambda: looped(loop, count / few),
        work=count,
    )


def schedules(size: float) -> Contest:
    """The interest of 360 months."""
    random, count, few = np.random.default_rng(2), scaled(20_000, size), 200
    balances, rates = random.uniform(5e4, 5e5, count), random.uniform(0.02, 0.08, count)

    def loop() -> list[float]:
        months = np.arange(1, 361)
        return [numpy_financial.ipmt(rates[i] / 12, months, 360, -balances[i]).sum() for i in range(few)]

    data = {
        "task": "schedule",
        "principal": balances.tolist(),
        "rate_per_period": (rates / 12).tolist(),
        "periods": 360,
    }
    return Contest(
        kind="loan",
        what=f"schedules of {count:,} loans, 360 months",
        anchor="numpy-financial ipmt, a loop",
        goal=50,
        ours=ours("loan", data, lambda r: (r.total_interest[few - 1], 0.0)),
        other=lambda: looped(loop, count / few),
        work=count,
    )
