"""Access control: the scope each route needs, and whether the caller's key has it.

One table over (method, path) and no marks on routes: a route that is missing from it needs a key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from foretaste.serving.http.problems import problem

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.responses import Response

    from foretaste.serving.http.keys import ApiKey, KeyFile, Scope
    from foretaste.serving.settings import ServerConfig

OPEN = re.compile(r"/|/healthz|/readyz|/console/.*")
"""Open without a key: health checks and the console, whose page is the same for everyone and asks for a key itself."""
READ_ONLY_POSTS = re.compile(r"/v1/recommendations(/batch)?|/v1/rank|/v1/search(/picture)?")
"""POST routes that only read."""
ADMIN = re.compile(
    r"POST /v1/models/.+/activate|GET /v1/users/.+/export|DELETE /v1/users/(?!.*/history\Z).+",
    re.DOTALL,  # a name may hold line breaks
)


def required_scope(method: str, path: str, query: bytes = b"") -> Scope | None:
    """The scope this request needs; None where no key is needed."""
    path = path.removesuffix("\n")  # the routes end in `$`, which lets one line break pass
    if path == "/v1/search" and "remember" in parse_qs(query.decode("latin-1")):
        return "write"  # this GET writes an event
    reading = method in ("GET", "HEAD")
    if reading and OPEN.fullmatch(path):
        return None
    if ADMIN.fullmatch(f"{method} {path}"):
        return "admin"
    if reading or (method == "POST" and READ_ONLY_POSTS.fullmatch(path)):
        return "read"
    return "write"


class Access:
    """Whether requests need a key: always beyond localhost; on localhost once the project has a key file."""

    def __init__(self, keys: KeyFile | None, config: ServerConfig) -> None:
        self.keys = keys
        self._always = config.beyond_loopback and not config.open_to_all
        self._never = config.open_to_all

    def keys_required(self) -> bool:
        # A key file without keys still counts: revoking the last key must not open the service.
        return not self._never and (self._always or (self.keys is not None and self.keys.exists()))

    def key_of(self, headers: Headers) -> ApiKey | None:
        """The valid key of the request; None without one."""
        secret = headers.get("x-api-key", "")
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            secret = rest.strip()
        return self.keys.key_of(secret) if secret and self.keys is not None else None

    @staticmethod
    def refusal(key: ApiKey | None, scope: Scope) -> Response | None:
        """401 without a key, 403 where the key lacks the scope, None where it has it."""
        if key is None:
            answer = problem(
                401, "unauthorized", "This needs an API key; send it in the header 'Authorization: Bearer …'."
            )
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        if not key.allows(scope):
            return problem(403, "forbidden", f"This key lacks the scope '{scope}', which this request needs.")
        return None
