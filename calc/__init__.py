"""What is the number? The kinds of calculation, one line each: a kind is in the catalogue by standing here.

This room knows no clock, environment, network, process, log or task id: only numbers.
"""

from calc.kind import Kind
from calc.kinds import (
    bermudan_swaption,
    bond_book,
    compound_interest,
    credit_loss,
    cva,
    cvar_portfolio,
    implied_vol,
    loan,
    markowitz,
    model_calibration,
    option_american,
    option_basket,
    option_european,
    option_path,
    risk_budget,
    strategy_grid,
    stress_test,
    var_historical,
    var_mc,
)

KINDS: dict[str, Kind] = {
    "bermudan_swaption": bermudan_swaption,
    "bond_book": bond_book,
    "compound_interest": compound_interest,
    "credit_loss": credit_loss,
    "cva": cva,
    "cvar_portfolio": cvar_portfolio,
    "implied_vol": implied_vol,
    "loan": loan,
    "markowitz": markowitz,
    "model_calibration": model_calibration,
    "option_american": option_american,
    "option_basket": option_basket,
    "option_european": option_european,
    "option_path": option_path,
    "risk_budget": risk_budget,
    "strategy_grid": strategy_grid,
    "stress_test": stress_test,
    "var_historical": var_historical,
    "var_mc": var_mc,
}

DEFAULT_KIND = "compound_interest"  # of a submission that names none
