"""Kinds that misbehave on request."""
