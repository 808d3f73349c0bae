"""Kinds for tests and benchmarks: HEADRACE_KINDS=tests.kinds.noop,tests.kinds.digest loads them beside the table."""
