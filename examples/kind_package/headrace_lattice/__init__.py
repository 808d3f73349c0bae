"""A kind of somebody else's house."""
