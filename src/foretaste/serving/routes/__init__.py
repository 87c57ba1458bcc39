"""The addresses of the service, one file per noun; each gives its router for an engine."""
