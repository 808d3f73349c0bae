"""Kinds of calculation beside the libraries that people use today: the contests of `bench/kinds.py`, by family."""
