"""Pure functions: ranked items and held-out items in, one value per user out."""
