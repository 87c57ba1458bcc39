"""Choosing on validation: models, settings and merge weights; which models fit the data."""
