"""How much of a result is luck: other seeds, other orders of equal times, the other split."""
