"""The benchmarks run and say something sensible. No time is a condition here."""
