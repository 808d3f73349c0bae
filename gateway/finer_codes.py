"""The codes that stand inside an error: why a kind refuses, and what is wrong with a field.

calc gives them, /docs/errors and docs/api.md explain them; a test compares with what calc can give.
"""

# Instead of `refused`, and as the `code` in `error` of a task that failed.
REFUSALS = {
    "too_large": "The work, or the result, would be larger than a task may have. `detail` says what to divide.",
    "infeasible": "No portfolio keeps all that is asked for: a bound, a limit or the target has to give way.",
    "no_excess_return": "No portfolio returns more than risk_free_rate, so none has the largest ratio.",
    "riskless_excess": "A portfolio without risk returns more than risk_free_rate, so no ratio is the largest.",
    "no_risk": "The portfolio has no risk that could be shared out.",
    "no_common_unit": "The losses have no common unit, which the recursion counts in. Give a loss_unit, or simulate.",
    "two_boundaries": "With such a rate and dividend yield there are two exercise boundaries. Send exercise_dates.",
    "no_convergence": "The calculation did not come to its accuracy with these data. `detail` says where it stood.",
    "internal_check_failed": "The kind's own check found that the result is wrong, so there is none. Please report it.",
}

# The `code` of an entry of `errors`.
FIELD_FAULTS = {
    "missing": "The field must be there.",
    "unknown_field": "There is no such field here; `detail` has the nearest name.",
    "duplicate_key": "The name stands twice in one object.",
    "wrong_type": "A value of another type is wanted: a number is no text, 5.0 is no integer.",
    "out_of_range": "The number is outside of its bounds.",
    "not_finite": "NaN, an infinity, or a number beyond what a double holds.",
    "too_large_integer": "An integer above 2^53, which a number here cannot hold exactly.",
    "invalid": "The value is none of those that are allowed, or does not go with another field.",
    "malformed_json": "What stands here is not JSON.",
    "length_mismatch": "Lists that belong together have different lengths.",
    "too_large": "There is more of it than a task may have.",
    "duplicate": "What must be different stands twice.",
    "not_ascending": "The values must go up.",
    "bad_sum": "The values do not add up to what they must.",
    "bad_diagonal": "The diagonal of a correlation matrix is 1.",
    "not_symmetric": "The matrix is not the same above and below its diagonal.",
    "not_psd": "The matrix is not positive semi-definite; `detail` says by how much, and who carries it.",
    "unknown_asset": "No asset has this name.",
    "unknown_factor": "No position hangs on this factor.",
    "too_few_observations": "There are too few observations for what is asked.",
    "too_few_scenarios": "There are too few scenarios for this confidence.",
    "infeasible": "Nothing keeps this together with the other fields.",
    "no_excess_return": "No portfolio returns more than this rate.",
    "no_common_unit": "This unit does not divide every loss.",
    "bootstrap_failed": "No curve gives this price.",
    "underdetermined": "There are more free parameters than quotes.",
    "no_vega": "The price does not hang on the volatility.",
    "law_unknown": "The law of the loss cannot be told accurately enough.",
    "not_attainable": "No scenario reaches this loss.",
}
