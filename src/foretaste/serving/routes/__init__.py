"""The routes of the REST API, one file per noun; each has a function that returns its router."""

from foretaste.serving.routes import id_convertor as id_convertor  # the routes write {user:name}
