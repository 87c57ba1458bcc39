"""The files of a project: foretaste.toml guessed, written and read; its tables loaded as a data set."""
