"""The ASGI application: keys, limits, errors, and what stands before every request."""
