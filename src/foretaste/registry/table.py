"""One table per kind of part: name to spec, built in or from other packages, the class imported when it is used."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from foretaste.errors import ConfigError, MissingExtraError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Spec(Protocol):
    """What a table needs to know of a part."""

    @property
    def path(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def extra(self) -> str | None: ...


S = TypeVar("S", bound=Spec)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


class Table(Generic[S]):
    """Parts of one kind by name.

    Another package adds a part through an entry point of `group`, whose value is either a spec, which says everything
    and imports nothing else, or the class itself, whose attribute `spec` is read where it has one.
    """

    def __init__(
        self,
        what: str,
        group: str,
        homes: Sequence[str],
        spec: Callable[[str, str], S],
        parts: Sequence[str] = (),
        protocol: str = "",
        hint: str = "",
    ) -> None:
        """what  : how a part is called in messages
        homes : 'package:NAME' of the dictionaries of built-in specs
        spec  : makes a spec of a path and a summary, for a part that says no more of itself
        parts : attributes that a class must have
        protocol : of foretaste.protocols, which says what they are
        hint  : what to add where a name is unknown
        """
        self.what = what
        self.group = group
        self._homes = homes
        self._spec = spec
        self.parts = parts
        self._protocol = protocol
        self._hint = hint
        self._specs: dict[str, S] | None = None
        self._own: dict[str, type[Any]] = {}
        self._broken: dict[str, str] = {}

    def built_in(self) -> dict[str, S]:
        """Those of foretaste itself."""
        specs: dict[str, S] = {}
        for home in self._homes:
            package, _, name = home.partition(":")
            specs |= getattr(import_module(package), name)
        return specs

    def all(self) -> dict[str, S]:
        """Name to spec: the built-in parts, then those of other packages, which may not take a name that is taken."""
        if self._specs is None:
            specs = self.built_in()
            for point in entry_points(group=self.group):
                if point.name not in specs:
                    specs[point.name] = self._of_package(point)
            self._specs = specs
        return self._specs

    def spec(self, name: str) -> S:
        """UnknownNameError where there is no such part."""
        if (spec := self.all().get(name)) is None:
            raise UnknownNameError(f"No {self.what} is called '{name}'.{did_you_mean(name, self.all())}{self._hint}")
        return spec

    def broken(self, name: str) -> str | None:
        """Why a part of another package cannot be used, as the end of a sentence; None where nothing is known."""
        self.all()
        return self._broken.get(name)

    def load(self, name: str) -> Any:
        """The class of a part, imported now.

        raises : UnknownNameError for an unknown name, MissingExtraError where its packages are not installed,
                 ConfigError where the package of somebody else is broken
        """
        if name in self._own:
            return self._own[name]
        spec = self.spec(name)
        if (why := self.broken(name)) is not None:
            raise ConfigError(f"The {self.what} '{name}' cannot be used: {why}.")
        module, _, attribute = spec.path.partition(":")
        try:
            made = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if spec.extra is None and name in self.built_in():
                raise
            if spec.extra is None:
                raise ConfigError(f"The {self.what} '{name}' cannot be used: {_one_line(error)}.") from None
            raise MissingExtraError(error.name or "?", spec.extra, f"The {self.what} '{name}'") from error
        except Exception as error:
            if name in self.built_in():
                raise
            raise ConfigError(f"The {self.what} '{name}' cannot be used: {_one_line(error)}.") from None
        if missing := self._lacks(made):
            raise ConfigError(f"The {self.what} '{name}' cannot be used: {missing}.")
        return made

    def register(self, name: str, made: type[Any]) -> None:
        """A class of your own under a name, until this process ends. Registered again, the newer class replaces it."""
        if name in self.all() and name not in self._own:
            raise ConfigError(f"A {self.what} is called '{name}' already; choose another name.")
        if not isinstance(made, type):
            raise ConfigError(f"{made!r} is no class; register the class, not an object of it.")
        if not NAME.fullmatch(name):
            raise ConfigError(f"'{name}' cannot be a name: letters, digits, and _ . + - within them are.")
        if missing := self._lacks(made):
            raise ConfigError(f"{made.__name__} {missing}; see foretaste.protocols.{self._protocol}.")
        self.all()[name] = self._spec_of_class(made, f"{made.__name__}, registered by hand")
        self._own[name] = made

    def _lacks(self, made: Any) -> str | None:
        """'has no fit and no grid', where a class lacks what a part has."""
        missing = [part for part in self.parts if not hasattr(made, part)]
        return f"has no {' and no '.join(missing)}" if missing else None

    def _spec_of_class(self, made: type[Any], summary: str) -> S:
        """What a class says of itself, in an attribute `spec`, or what can be seen of it."""
        plain: Any = self._spec(f"{made.__module__}:{made.__qualname__}", summary)
        declared: Any = getattr(made, "spec", None)
        if isinstance(declared, type(plain)):
            plain = declared
        elif hasattr(plain, "learns"):  # a stage that learns has to be trained again where its settings change
            learns = hasattr(made, "fit_rows") or getattr(made, "learns", "fit" in vars(made))
            plain = replace(plain, learns=learns)
        spec: S = plain
        return spec

    def _of_package(self, point: Any) -> S:
        package = point.dist.name if point.dist else point.value
        plain = self._spec(point.value, f"from the package {package}")
        try:
            found = point.load()
        except (Exception, SystemExit) as error:  # a module of others may raise anything, and must not stop us
            return self._is_broken(point.name, package, f"which fails to import: {_one_line(error)}")
        if isinstance(found, type):
            if missing := self._lacks(found):
                return self._is_broken(point.name, package, f"whose class {found.__name__} {missing}")
            return self._spec_of_class(found, f"from the package {package}")
        if not isinstance(found, type(plain)):
            kind = type(plain).__name__
            return self._is_broken(point.name, package, f"whose entry point is {type(found).__name__}, not {kind}")
        return found

    def _is_broken(self, name: str, package: str, why: str) -> S:
        self._broken[name] = f"it is from the package {package}, {why}"
        return self._spec("", f"from the package {package}, {why}")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
