"""The benchmarks: each a command that prints a table. What is compared is measured in one run, in turns."""
