"""`python -m consumer`: start one consumer, with one thread for BLAS and OpenMP in each of its processes.

Four children fill four processors, so a library that starts a thread for each processor makes them fight over them.
The libraries read their limit once, when numpy is imported. So it is set here, before anything that imports numpy is
imported, and the consumer proper (`start.py`) runs afterwards. `putenv` reaches the C libraries, and
nothing else: our own settings are read in `pipeline/settings.py` and nowhere else.
"""

import os
import runpy

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")

if __name__ == "__main__":
    for variable in ONE_THREAD:
        os.putenv(variable, "1")
    runpy.run_module("consumer.start", run_name="__main__")
