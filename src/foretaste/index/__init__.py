"""Top-k selection: exact, sparse, pre-filtered with int8, and approximate vector indexes."""
