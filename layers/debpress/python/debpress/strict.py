"""One JSON object read strictly: what a lenient reader would guess at, or pass over, is refused.

The configuration, the roles, manifests and operations are all read by this one reader.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, Self, TypeVar

from debpress.errors import ConfigError, DebpressError

_D = TypeVar("_D")
_REQUIRED: Any = object()

# One line that begins and ends with no blank.
ONE_LINE = re.compile(r"[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?")

_KINDS = {
    Mapping: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int | float: "a number",
    type(None): "null",
}
_WANTED = _KINDS | {int: "integer"}


class JsonObject(dict[str, Any]):
    """A JSON object that remembers the keys given twice, of which RFC 8259 (section 4) says only
    that receivers disagree on them."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: tuple[str, ...] = ()
        if len(self) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self.repeated = tuple(key for key, count in counts.items() if count > 1)


def loads(text: str) -> Any:
    """The value, its objects as JsonObject. Raises ValueError, for NaN and its like, too."""
    try:
        return json.loads(text, object_pairs_hook=JsonObject, parse_constant=_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def kind(value: Any) -> str:
    """What a value is, in words."""
    return next(word for each, word in _KINDS.items() if isinstance(value, each))


class ObjectReader:
    """Takes typed values out of the object at `path`, and remembers which keys it took.

    Every method raises what `wrong` makes: a ConfigError that names the key by its path. A subclass
    may make another error of it. Without a default a key must be there; null is no value. A caller
    that wants all faults and not the first catches them, one `take` at a time.
    """

    def __init__(self, data: Any, path: str) -> None:
        self.path = path
        self.taken: set[str] = set()
        if not isinstance(data, Mapping):
            raise self.wrong("", f"must be an object, not {kind(data)}")
        self.data: Mapping[str, Any] = data

    def wrong(self, key: str, problem: str) -> DebpressError:
        """The error about `key`, or about the object itself where that is empty."""
        place = f"{self.path}.{key}" if self.path and key else self.path or key
        return ConfigError(f"{place}: {problem}")

    def take(self, key: str, form: type, default: Any = _REQUIRED) -> Any:
        """A value of the type `form`, unchecked but for that; a boolean is no number."""
        self.taken.add(key)
        if key not in self.data and default is not _REQUIRED:
            return default
        value = self.data.get(key)
        if not isinstance(value, form) or (isinstance(value, bool) and form is not bool):
            found = f", not {kind(value)}" if key in self.data else ""
            raise self.wrong(key, f"must be there, as {_WANTED[form]}{found}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        return bool(self.take(key, bool, default))

    def text(self, key: str, form: re.Pattern[str] = ONE_LINE, default: _D = _REQUIRED) -> str | _D:
        value: str | _D = self.take(key, str, default)
        if value is not default:
            self._fits(key, value, form)
        return value

    def one_of(self, key: str, known: tuple[str, ...], default: str | None = None) -> str:
        self.taken.add(key)
        value = self.data.get(key, default)
        if not isinstance(value, str) or value not in known:
            # Nothing else is shown: it might be as deep as the parser went, and repr() fall over.
            shown = f"{value!r} " if isinstance(value, str) else ""
            raise self.wrong(key, f"{shown}must be one of {', '.join(known)}")
        return value

    def texts(
        self,
        key: str,
        form: re.Pattern[str] = ONE_LINE,
        default: tuple[str, ...] = (),
        least: int = 1,
    ) -> tuple[str, ...]:
        """A list of different strings, at least so many."""
        values = self._list(key, default, least)
        before: set[str] = set()
        for index, value in enumerate(values):
            self._fits(f"{key}[{index}]", value, form)
            if value in before:
                raise self.wrong(f"{key}[{index}]", f"{value!r} is there twice")
            before.add(value)
        return tuple(values)

    def number(self, key: str, least: int, most: int, default: _D = _REQUIRED) -> int | _D:
        """A whole number within its bounds."""
        value: int | _D = self.take(key, int, default)
        if isinstance(value, int) and not least <= value <= most:
            raise self.wrong(key, f"must be {least} to {most}")
        return value

    def share(self, key: str, default: float) -> float:
        value = self.data.get(key, default)
        self.taken.add(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.wrong(key, "must be a number from 0 to 1")
        return float(value)

    def object(self, key: str, default: Mapping[str, Any] = _REQUIRED) -> Self:
        return self._inner(self.take(key, Mapping, default), key)

    def objects(self, key: str, least: int = 1) -> list[Self]:
        values = self._list(key, (), least)
        return [self._inner(value, f"{key}[{index}]") for index, value in enumerate(values)]

    def faults(self) -> Iterator[tuple[str, str]]:
        """Keys given twice, and keys that nobody took: each with what is wrong, as for `wrong`."""
        for key in getattr(self.data, "repeated", ()):
            yield key, "is there twice"
        for key in self.data:
            if key not in self.taken:
                yield key, f"is unknown (known: {', '.join(sorted(self.taken))})"

    def done(self) -> None:
        """Raises for the first of the faults."""
        for key, problem in self.faults():
            raise self.wrong(key, problem)

    def _inner(self, value: Any, key: str) -> Self:
        return type(self)(value, f"{self.path}.{key}" if self.path else key)

    def _list(self, key: str, default: tuple[Any, ...], least: int) -> Any:
        values = self.take(key, list, default)
        if len(values) < least:
            raise self.wrong(key, f"must be a list with at least {least} entry")
        return values

    def _fits(self, key: str, value: Any, form: re.Pattern[str]) -> None:
        if not isinstance(value, str):
            raise self.wrong(key, f"must be a string, not {kind(value)}")
        if not form.fullmatch(value):
            raise self.wrong(key, f"{value!r} does not fit {form.pattern}")
