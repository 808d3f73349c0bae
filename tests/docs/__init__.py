"""Documents that are made from the code, and those that are typed."""
