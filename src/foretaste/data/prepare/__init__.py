"""Preparation of a data set before training, on request: duplicates, sessions, k-core, missing numbers, HTML."""
