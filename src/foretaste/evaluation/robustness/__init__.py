"""Robustness of results: other seeds, other orders of equal times, the other split."""
