"""Models that expect ratings on the scale of the data."""
