"""Request bodies, read whole before anything else happens: not too large, not too slow, not too deep."""

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
"""A string to its end, or to the end of the body: a quote that is never closed must not be looked at twice."""
OPENING, CLOSING = [ord("["), ord("{")], [ord("]"), ord("}")]


class Refused(Exception):  # noqa: N818  # it is an answer rather than an error
    def __init__(self, why: str, answer: Response) -> None:
        super().__init__(why)
        self.why = why
        self.answer = answer


def too_large(most: int) -> Response:
    return problem(413, "too_large", f"The body is larger than {most} bytes; send less at a time.")


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> Receive:
    """The body within the limits, as something to read it from again; Refused, or TimeoutError, where it is not."""
    names = {name for name, _ in scope["headers"]}
    if names.isdisjoint((b"content-length", b"transfer-encoding")):
        return receive  # no body is announced, so none can come
    async with asyncio.timeout(limits.body_seconds):
        body = await _read(receive, limits.of_body(scope["path"]))
    # Brackets in a picture nest nothing.
    if body and scope["path"] != PICTURES and nests_deeper_than(body, MAX_DEPTH):
        raise Refused(
            "depth", problem(422, "invalid", f"The body nests deeper than {MAX_DEPTH} levels; nothing here does.")
        )
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()  # only to learn that the client has gone
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
        if size > most:  # also where the length was not said, or was not true
            raise Refused("size", too_large(most))
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def nests_deeper_than(body: bytes, most: int) -> bool:
    """Whether JSON nests deeper than that. Brackets within strings do not count.

    Looked at before the parser does, which would build the whole tree first.
    """
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    letters = np.frombuffer(STRINGS.sub(b"", body), np.uint8)
    steps = np.isin(letters, OPENING).astype(np.int8) - np.isin(letters, CLOSING).astype(np.int8)
    return bool(np.cumsum(steps, dtype=np.int64).max(initial=0) > most)
