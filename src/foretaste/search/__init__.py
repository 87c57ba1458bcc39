"""Finding items by words, by meaning and by taste."""
