"""Ids in addresses: anything but nothing, slashes and line breaks included, as 'PUT /v1/items/a%2Fb' sends them."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor


class NameConvertor(Convertor[str]):
    """Starlette's own `path` stops at a line break, and an id that was accepted in an event could not be asked for."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("name", NameConvertor())
