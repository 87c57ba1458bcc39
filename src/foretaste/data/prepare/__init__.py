"""What is done to a log before anything learns from it, on request and reported."""
