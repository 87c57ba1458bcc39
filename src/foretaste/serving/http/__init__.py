"""The ASGI application: API keys, limits, errors, and checks before every request."""
