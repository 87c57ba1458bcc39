"""One table per kind of part: name to spec, built in or from other packages, the class imported when it is used."""

from __future__ import annotations

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

    def load(self, name: str) -> Any:
        """The class of a part, imported now; MissingExtraError where its packages are not installed."""
        if name in self._own:
            return self._own[name]
        spec = self.spec(name)
        module, _, attribute = spec.path.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if spec.extra is None:
                raise
            raise MissingExtraError(error.name or "?", spec.extra, f"The {self.what} '{name}'") from error

    def register(self, name: str, made: type[Any]) -> None:
        """A class of your own under a name, until this process ends. Registered again, the newer class replaces it."""
        if name in self.all() and name not in self._own:
            raise ConfigError(f"A {self.what} is called '{name}' already; choose another name.")
        if missing := [part for part in self.parts if not hasattr(made, part)]:
            raise ConfigError(
                f"{made.__name__} has no {' and no '.join(missing)}; see foretaste.protocols.{self._protocol}."
            )
        self._own[name] = made
        declared = getattr(made, "spec", None)
        path = f"{made.__module__}:{made.__qualname__}"
        self.all()[name] = declared or self._spec(path, f"{made.__name__}, registered by hand")

    def _of_package(self, point: Any) -> S:
        package = point.dist.name if point.dist else point.value
        try:
            found = point.load()
        except Exception as error:  # someone else's module may raise anything, and must not stop the others
            return self._spec(point.value, f"from the package {package}, which fails to import: {error}")
        if isinstance(found, type):
            return getattr(found, "spec", None) or self._spec(point.value, f"from the package {package}")
        spec: S = found
        return spec
