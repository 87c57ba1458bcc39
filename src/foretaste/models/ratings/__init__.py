"""Rating prediction models, on the scale of the ratings."""
