"""What is wrong with the rows, what the data can carry, and the card that says so."""
