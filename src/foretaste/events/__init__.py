"""What happened: the event model, and one store per file."""
