"""The addresses of the service, one file per noun; each gives its router for an engine."""

from foretaste.serving.routes import names as names  # the routes write {user:name}
