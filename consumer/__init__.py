"""Who is doing which job, and what came of it?

This room knows processes, signals and leases. Read `worker.py` (the parent's loop, with the picture), `pool.py`
(its children), `child.py` (what a child does: nothing but calculate), `outcome.py` (what can come of a job).
"""
