"""One frozen pydantic class per part: defaults, checks and the JSON Schema in one place."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from foretaste.errors import ConfigError, did_you_mean


class Config(BaseModel):
    """Base of every setting: frozen, unknown keys refused with the nearest name, docstrings in the schema."""

    called: ClassVar[str] = ""
    """What a person knows it by, as the table of foretaste.toml; its class otherwise."""
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    name = cls.called or cls.__name__
                    raise ConfigError(f"{name} has no setting '{key}'.{did_you_mean(key, cls.model_fields)}")
        return data

    @classmethod
    def parse(cls, data: dict[str, Any], where: str) -> Self:
        """The settings in `data`; a wrong one raises ConfigError that begins with `where` (a file, a flag)."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{where}: {key} = {first['input']!r}: {first['msg']}.") from None
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
