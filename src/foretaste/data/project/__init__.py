"""The settings of a project: guessed, written, read and shown."""
