"""Predicted ratings: cross-validation and its table."""
