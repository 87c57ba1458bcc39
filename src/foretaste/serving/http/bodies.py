"""Request bodies: read completely before the request is handled, with limits on size, time and nesting."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import numpy as np
from starlette.requests import ClientDisconnect

from foretaste.api.limits import MAX_DEPTH
from foretaste.serving.http.problems import problem
from foretaste.serving.settings import PICTURES

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope

    from foretaste.serving.settings import Limits

STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A JSON string to its end, or to the end of the body; possessive, so that an unclosed quote costs linear time."""
OPENING, CLOSING = [ord("["), ord("{")], [ord("]"), ord("}")]


class Refused(Exception):  # noqa: N818  # carries a response
    def __init__(self, why: str, answer: Response) -> None:
        super().__init__(why)
        self.why = why
        self.answer = answer


def too_large(most: int) -> Response:
    return problem(413, "too_large", f"The body is larger than {most} bytes; send less at a time.")


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> Receive:
    """Read the body within the limits; returns a `receive` that replays it.

    raises : Refused for a body that is too large or too deep, TimeoutError for one that is too slow
    """
    names = {name for name, _ in scope["headers"]}
    if names.isdisjoint((b"content-length", b"transfer-encoding")):
        return receive  # no body is announced, so there is none
    async with asyncio.timeout(limits.body_seconds):
        body = await _read(receive, limits.of_body(scope["path"]))
    # Bytes of a picture that look like brackets do not nest.
    if body and scope["path"] != PICTURES and nests_deeper_than(body, MAX_DEPTH):
        raise Refused("depth", problem(422, "invalid", f"The body nests deeper than {MAX_DEPTH} levels."))
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()  # to notice that the client disconnected
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _read(receive: Receive, most: int) -> bytes:
    first = await receive()
    if first["type"] == "http.request" and not first.get("more_body"):
        body: bytes = first.get("body", b"")
        if len(body) > most:
            raise Refused("size", too_large(most))
        return body
    parts, size, message = [], 0, first
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > most:  # also where Content-Length is missing or wrong
            raise Refused("size", too_large(most))
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def nests_deeper_than(body: bytes, most: int) -> bool:
    """Whether JSON nests deeper than `most` levels. Brackets within strings do not count.

    Checked before parsing, because the parser would build the whole tree first.
    """
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    letters = np.frombuffer(STRINGS.sub(b"", body), np.uint8)
    steps = np.isin(letters, OPENING).astype(np.int8) - np.isin(letters, CLOSING).astype(np.int8)
    return bool(np.cumsum(steps, dtype=np.int64).max(initial=0) > most)
