"""Search of the catalogue by text, by picture, and for similar items."""
