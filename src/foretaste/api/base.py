"""Types that all schemas share: names, times, values, columns; and how a validation error becomes one sentence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from foretaste.api.limits import MAX_N, MAX_TEXT
from foretaste.events.model import EARLIEST, LARGEST_VALUE, LATEST

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_1990_US = 631_152_000_000_000
"""1990 in µs since 1970: a smaller whole number is probably in another unit."""
MAX_COLUMNS_BYTES = 64 << 10
"""Most bytes of the columns of one item or user, as JSON."""


def parse_time(given: object) -> int:
    """µs since 1970 UTC, from whole µs or from ISO 8601 with a zone.

    raises : ValueError for other values, and for a number that is probably in seconds or milliseconds
    """
    if isinstance(given, int) and not isinstance(given, bool):
        time = given
        if time < YEAR_1990_US:
            raise ValueError(f"times are µs since 1970 UTC or ISO 8601; {_guess_unit(time)}")
    elif isinstance(given, str):
        try:
            moment = datetime.fromisoformat(given)
        except ValueError:
            raise ValueError("write ISO 8601 with a time zone, such as 2026-11-21T10:00:00Z") from None
        if moment.tzinfo is None:
            raise ValueError("a time needs a time zone; end it with Z or an offset such as +01:00")
        time = (moment - EPOCH) // timedelta(microseconds=1)
    else:
        raise ValueError("give ISO 8601 with a time zone, or whole µs since 1970 UTC")
    if not EARLIEST <= time <= LATEST:
        raise ValueError("outside the years 1 to 9999; whole numbers are µs since 1970 UTC")
    return time


def _guess_unit(number: int) -> str:
    for unit, scale in (("seconds", 1_000_000), ("milliseconds", 1_000)):
        if YEAR_1990_US <= number * scale < 1_000 * YEAR_1990_US:
            return f"this looks like {unit}, so multiply it by {scale:,}"
    return "this number is a time before 1990; if you mean that, write ISO 8601"


def format_time(time: int) -> str:
    """2026-11-21T10:00:00Z, with microseconds only where there are any."""
    return (EPOCH + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")


def is_valid_unicode(text: str) -> bool:
    """False for text with a lone surrogate, which cannot be encoded as UTF-8."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _non_empty_name(name: str) -> str:
    if not name:
        raise ValueError("it is empty; give a name")
    return name


def _non_empty_text(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty; give the words to search for")
    return text


def _storable(columns: dict[str, Any]) -> dict[str, Any]:
    """The columns, if JSON and every store can hold them; ValueError otherwise."""
    try:
        written = json.dumps(columns, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, UnicodeEncodeError):
        raise ValueError("it holds a number that is not finite, or text that is not valid Unicode") from None
    if b"\\u0000" in written:
        raise ValueError("it holds the character NUL, which not every store can hold")
    if len(written) > MAX_COLUMNS_BYTES:
        raise ValueError(f"it is longer than {MAX_COLUMNS_BYTES} bytes; store large values elsewhere")
    return columns


Name = Annotated[
    str,
    StringConstraints(max_length=MAX_TEXT),
    AfterValidator(_non_empty_name),
    Field(json_schema_extra={"minLength": 1}),
]
SearchText = Annotated[
    str,
    StringConstraints(max_length=MAX_TEXT),
    AfterValidator(_non_empty_text),
    Field(json_schema_extra={"minLength": 1}),
]
"""The text of a search."""
Time = Annotated[
    int,
    BeforeValidator(parse_time),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "minimum": YEAR_1990_US}],
            "description": "ISO 8601 with a time zone, or whole microseconds since 1970 UTC",
        }
    ),
]
Value = Annotated[float, Field(ge=-LARGEST_VALUE, le=LARGEST_VALUE, allow_inf_nan=False)]
N = Annotated[int, Field(ge=1, le=MAX_N)]
Columns = dict[str, Any]
ColumnsIn = Annotated[dict[Name, Any], Field(max_length=200), AfterValidator(_storable)]
"""Columns of an item or user as clients send them: name to text, number, boolean or list."""


class Request(BaseModel):
    """Base of request bodies; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Response(BaseModel):
    """Base of response bodies."""

    model_config = ConfigDict(use_attribute_docstrings=True)


def request_example(*of: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", use_attribute_docstrings=True, json_schema_extra={"examples": list(of)})


def response_example(*of: dict[str, Any]) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": list(of)})


OBJECTS = ("model_attributes_type", "model_type", "dict_type")
"""Pydantic's error types for a value that should be a JSON object."""


def validation_message(error: Any) -> str:
    """A pydantic error as one sentence: the field, then what is wrong with it."""
    where = ".".join(str(part) for part in error["loc"] if part not in ("body", "query", "path"))
    what = "it must be a JSON object" if error["type"] in OBJECTS else str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}." if where else f"{what}."


class ErrorDetail(Response):
    code: str
    """For programs: not_found, invalid, unauthorized, forbidden, too_many_requests, overloaded, not_ready, ..."""
    message: str
    """For people: one sentence on what is wrong and what to do."""


class ErrorOut(Response):
    """The body of every response that is not 2xx."""

    model_config = response_example({"error": {"code": "not_found", "message": "No item is called '7'."}})
    error: ErrorDetail
