"""Hybrid search (BM25, embeddings, personal scores), spelling correction and similar items."""
