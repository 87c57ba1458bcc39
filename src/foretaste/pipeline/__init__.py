"""Recall, merge, filter, fall back, explain; and the bundle a trained pipeline is kept in."""
