"""Evaluation: held-out queries, metrics with confidence intervals, leaderboards."""
