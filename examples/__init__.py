"""Programs of a client: what a user of Headrace might write. `python -m examples.demo` is `make demo`."""
