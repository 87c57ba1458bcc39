"""Base class of all settings: a frozen pydantic model with defaults, validation and JSON Schema."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from foretaste.errors import ConfigError, UnknownNameError, did_you_mean


class Config(BaseModel):
    """Base of every config class: frozen, unknown keys refused with the nearest name, docstrings in the schema."""

    called: ClassVar[str] = ""
    """Name in error messages, such as a table of foretaste.toml; the class name if empty."""
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def __init__(self, /, **settings: Any) -> None:
        """A wrong setting raises ConfigError with the same sentence as one from a file."""
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ConfigError(f"{self.called or type(self).__name__}: {_error_sentence(error)}") from None

    # As pydantic marks its own __init__: nested settings are validated without it, so errors have their full path.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

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
        """The settings in `data`; ConfigError, which begins with `where` (a file, a flag), for a wrong one."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ConfigError(f"{where}: {_error_sentence(error)}") from None
        except (ConfigError, UnknownNameError) as error:
            raise ConfigError(f"{where}: {error}") from None


def _error_sentence(error: ValidationError) -> str:
    """What is wrong with the first wrong setting; for a union type the reason for each member."""
    first, *others = error.errors()
    key = _setting_path(first["loc"])
    why = [first["msg"], *(other["msg"] for other in others if _setting_path(other["loc"]) == key)]
    return f"{key} = {first['input']!r}: {', or '.join(dict.fromkeys(why))}."


def _setting_path(place: tuple[int | str, ...]) -> str:
    """'training.epochs', without the type names that pydantic adds for union members."""
    tried = {"float", "int", "str", "bool", "none"}
    return ".".join(str(p) for p in place if isinstance(p, int) or (p.isidentifier() and p not in tried))
