"""The addresses of the service, one file per noun; each gives its router for an engine."""

from foretaste.serving.routes import id_convertor as id_convertor  # the routes write {user:name}
