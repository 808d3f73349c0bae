"""Answers that others have worked out, and what reads them."""
