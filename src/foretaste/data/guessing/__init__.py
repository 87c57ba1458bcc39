"""What the columns of a file mean, guessed from their names and values."""
