"""What did the client ask, and what may they be told?

This room knows HTTP and status codes; it computes nothing and holds nothing that must survive it.
Read `app.py` (what hangs where), `routes/tasks.py` (the story of a request), `bodies.py` (what a body may say),
`shapes.py` and `answers.py` (what we say), `codes.py` and `problems.py` (how we say no), `events.py` (how a wait ends).
"""
