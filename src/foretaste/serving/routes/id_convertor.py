"""Path convertor for ids, which may contain slashes and line breaks, such as 'PUT /v1/items/a%2Fb'."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor


class NameConvertor(Convertor[str]):
    """Starlette's own `path` stops at a line break, so that an id accepted in an event could not be requested."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("name", NameConvertor())
