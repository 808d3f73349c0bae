"""What does everyone agree a task is?

This room knows Redis and time; it does not know HTTP, processes or mathematics.
Read `record.py` (the words and the state machine), `keys.py` (every Redis key),
`verbs.py` (every step a task can take), `store.py` (who carries a verb to Redis).
"""
