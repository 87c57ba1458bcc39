"""Slower proofs with recorded results: `make bench`, or one with `make bench ARGS=scale`."""
