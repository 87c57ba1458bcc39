"""What items are: texts turned into vectors."""
