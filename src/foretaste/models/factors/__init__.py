"""People and items as vectors of factors."""
