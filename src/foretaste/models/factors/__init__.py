"""Matrix factorisation and item embeddings."""
