"""Finding the best: the one place that knows how."""
