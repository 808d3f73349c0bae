"""Covariances of assets: as a matrix, or as volatilities with correlations; what is wrong with them; repair."""

import numpy as np
import pytest

from calc.covariances import asset_names, of_assets, repaired
from calc.errors import CalcError
from calc.numerics import nearest

NAMES = ["A", "B", "C"]
IMPOSSIBLE = [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]


def test_three_ways_to_say_the_same() -> None:
    by_number, _ = of_assets(None, [0.1, 0.2, 0.3], 0.5, NAMES, "none")
    by_matrix, _ = of_assets(None, [0.1, 0.2, 0.3], [[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]], NAMES, "none")
    whole, faults = of_assets(by_number.tolist(), None, None, NAMES, "none")
    assert faults == []
    assert (by_number == by_matrix).all()
    assert (whole == by_number).all()


def test_faults() -> None:
    assert [fault.path for fault in of_assets(None, None, None, NAMES, "none")[1]] == ["$.covariance"]
    assert [fault.path for fault in of_assets(None, [0.1, 0.2, 0.3], None, NAMES, "none")[1]] == ["$.correlation"]
    both = of_assets(np.eye(3).tolist(), [0.1] * 3, 0.5, NAMES, "none")[1]
    assert [fault.path for fault in both] == ["$.volatility", "$.correlation"]
    crooked = of_assets([[1, 0], [0]], None, None, ["A", "B"], "nearest")[1]
    assert [(fault.path, fault.code) for fault in crooked] == [("$.covariance[1]", "length_mismatch")]


def test_no_assets_and_no_room_for_a_sum() -> None:
    """Empty matrices are refused by whoever needs assets; numbers at the end of all numbers are told, not added up."""
    for given in (of_assets([], None, None, [], "none"), of_assets(None, [], [], [], "none")):
        assert (given[0].shape, given[1]) == ((0, 0), [])
    (fault,) = of_assets([[1.7e308]], None, None, ["A"], "none")[1]
    assert (fault.path, fault.code) == ("$.covariance[0][0]", "out_of_range")


def test_only_what_can_be_repaired_is_passed_over() -> None:
    (fault,) = of_assets(None, [0.1, 0.2, 0.3], IMPOSSIBLE, NAMES, "none")[1]
    assert fault.code == "not_psd"
    assert "A, B and C carry" in fault.detail
    assert "'nearest'" in fault.detail
    matrix, faults = of_assets(None, [0.1, 0.2, 0.3], IMPOSSIBLE, NAMES, "nearest")
    assert faults == []
    assert matrix[0, 1] == pytest.approx(0.9 * 0.02)
    lopsided = [[1, 0.9, 0.9], [0.8, 1, -0.9], [0.9, -0.9, 1]]
    assert {fault.code for fault in of_assets(None, [0.1, 0.2, 0.3], lopsided, NAMES, "nearest")[1]} == {
        "not_symmetric"
    }


def test_repair_keeps_variances_and_tells_the_distance() -> None:
    matrix, _ = of_assets(None, [0.1, 0.2, 0.3], IMPOSSIBLE, NAMES, "nearest")
    mended = repaired(matrix, "nearest")
    assert mended.covariance.diagonal() == pytest.approx([0.01, 0.04, 0.09], rel=1e-15)
    assert mended.covariance[0, 1] == pytest.approx(0.5 * 0.02, abs=1e-9)
    assert mended.distance == pytest.approx(np.sqrt(6 * 0.16), rel=1e-8)
    possible = np.diag([0.01, 0.0])
    assert repaired(possible, "nearest").distance is None
    assert repaired(possible, "none").covariance is possible


def test_an_asset_that_does_not_move_is_left_alone() -> None:
    whole = np.zeros((4, 4))
    whole[1:, 1:] = np.array(IMPOSSIBLE) * 0.04
    assert repaired(whole, "nearest").covariance[0].tolist() == [0, 0, 0, 0]


def test_highams_example() -> None:
    """Higham (2002), section 4: the distance is printed as 0.5278."""
    found, distance = nearest.nearest_correlation(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]))
    assert found[0, 1] == pytest.approx(0.7607, abs=5e-5)
    assert found[0, 2] == pytest.approx(0.1573, abs=5e-5)
    assert distance == pytest.approx(0.5278, abs=5e-5)


def test_a_repair_without_an_end_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "_ROUNDS", 1)
    with pytest.raises(CalcError, match="after 1 rounds") as told:
        repaired(np.array(IMPOSSIBLE, dtype=float), "nearest")
    assert told.value.code == "no_convergence"


def test_names() -> None:
    assert asset_names(None, 2) == (["asset_1", "asset_2"], [])
    assert [fault.path for fault in asset_names(["A", "B", "A"], 3)[1]] == ["$.assets[2]"]
    assert [fault.code for fault in asset_names(["A"], 3)[1]] == ["length_mismatch"]
