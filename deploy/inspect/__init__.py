"""What is in the store now? The redis-cli line for each question that people ask, and its answer.

    questions.py ──▶ make inspect          the lines filled in, each with its answer of now
                └──▶ docs/inspect.md       the same lines, with $TASK, $KIND and $MINUTE

Only reading: no command that writes, none that walks all keys, none that holds the store up.
"""
