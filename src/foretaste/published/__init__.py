"""Tables of the literature, run again."""
