"""Commands that answer from a bundle: the service, its keys, and single questions."""
