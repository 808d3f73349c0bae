"""What is the number? The kinds of calculation, one line each: a kind is in the catalogue by standing here.

This room knows no clock, environment, network, process, log or task id: only numbers.
"""

from calc.kind import Kind
from calc.kinds import compound_interest, option_european, var_historical, var_mc

KINDS: dict[str, Kind] = {
    "compound_interest": compound_interest,
    "option_european": option_european,
    "var_historical": var_historical,
    "var_mc": var_mc,
}

DEFAULT_KIND = "compound_interest"  # of a submission that names none
