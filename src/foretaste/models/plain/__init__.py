"""What needs no taste: chance, popularity, and what is wanted lately."""
