"""Kinds that only these tests need."""
