"""The processes that answer: server, forks, workers, settings."""
