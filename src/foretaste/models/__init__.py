"""One file per model: its config, its class, how it is kept on disk."""
