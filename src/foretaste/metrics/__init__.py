"""Evaluation metrics as pure functions: ranked and held-out items in, one value per user out."""
