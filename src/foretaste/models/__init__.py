"""Recommenders and rating models, in families; one file per model with its config, class, save and load."""
