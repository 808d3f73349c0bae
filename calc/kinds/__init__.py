"""One module a kind: its Params, what a part computes, how partials fold, and what the answer says."""
