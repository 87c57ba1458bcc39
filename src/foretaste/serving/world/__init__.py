"""What a request sees: a bundle made ready, and how the catalogue has changed since it was trained."""
