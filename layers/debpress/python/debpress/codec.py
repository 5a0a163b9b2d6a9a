"""Records to JSON and back, by their annotations alone.

A record may have been written by another version of this code: a deployment that was rolled back
reads what the newer one left. So a field that is not known is kept, and written back where the
record is; a field that is missing has its default; and another major version (`"version": 2`) is
refused, for it may mean something else by a name that is known.
"""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from debpress.errors import CorruptError

_R = TypeVar("_R", bound="Record")

# The version of every record there is. A newer minor version has the same number and more fields.
VERSION = 1

_Decoder = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The base of all records. `unknown` are the fields that this version does not know."""

    unknown: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def versioned(cls: type[_R]) -> type[_R]:
    """A record whose JSON tells its version. Parts of records, and the oldest notes, do not."""
    _VERSIONED.add(cls)
    return cls


_VERSIONED: set[type] = set()

_AS_THEY_ARE = frozenset({str, int, bool})


def named(name: str, default: Any) -> Any:
    """A field that the JSON calls `name`."""
    return field(default=default, metadata={"name": name})


def optional() -> Any:
    """A field that is left out of the JSON where it is None."""
    return field(default=None, metadata={"optional": True})


def dump(record: Record) -> bytes:
    """The same record is the same bytes. Lone surrogates (undecodable bytes) come back as such."""
    return dump_json(encode(record))


def dump_json(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


def load(cls: type[_R], body: bytes, key: str) -> _R:
    """The record that is stored as `key`. Raises CorruptError, which names it."""
    try:
        return decode(cls, json.loads(body))
    except (ValueError, CorruptError) as error:
        raise CorruptError(
            f"{key} can't be read: {error}; restore its earlier version, or deploy the debpress "
            "that wrote it"
        ) from error


def encode(record: Record) -> dict[str, Any]:
    """The JSON object of a record."""
    data = dict(record.unknown)
    if type(record) in _VERSIONED:
        data["version"] = VERSION
    for each in _shape(type(record)).slots:
        value = getattr(record, each.attribute)
        if type(value) in _AS_THEY_ARE:  # Most fields of most records, ten thousand in a batch.
            data[each.name] = value
        elif value is not None or not each.optional:
            data[each.name] = _plain(value)
    return data


def decode(cls: type[_R], data: Any) -> _R:
    """The record of a JSON object. Raises CorruptError for what can't be one."""
    if not isinstance(data, Mapping):
        raise CorruptError(f"a {cls.__name__} is no object but {data!r:.80}")
    left, shape = dict(data), _shape(cls)
    if shape.tells_version:
        _check_version(cls, left)
    values: dict[str, Any] = {}
    for each in shape.slots:
        if each.name in left:
            try:
                values[each.attribute] = each.decode(left.pop(each.name))
            except CorruptError as error:
                raise CorruptError(f"{each.name}: {error}") from error
        elif each.required:
            raise CorruptError(f"a {cls.__name__} without {each.name}")
    return cls(**values, unknown=left)


def _check_version(cls: type[Record], left: dict[str, Any]) -> None:
    version = left.get("version", VERSION)
    if version != VERSION:
        raise CorruptError(
            f"a {cls.__name__} of the version {version!r}, which this debpress does not know"
        )
    if cls in _VERSIONED:
        left.pop("version", None)


@dataclass(frozen=True, slots=True)
class _Slot:
    attribute: str
    name: str
    optional: bool
    required: bool
    decode: _Decoder


@dataclass(frozen=True, slots=True)
class _Shape:
    """`tells_version`: its field `version`, if there is one, is the record's own. Of a package the
    field is something else."""

    slots: tuple[_Slot, ...]
    tells_version: bool


_SHAPES: dict[type[Record], _Shape] = {}


def _shape(cls: type[Record]) -> _Shape:
    shape = _SHAPES.get(cls)
    if shape is None:
        hints = get_type_hints(cls)
        known = [each for each in fields(cls) if each.name != "unknown"]
        slots = tuple(_slot(each, hints[each.name]) for each in known)
        shape = _Shape(slots, all(each.name != "version" for each in slots))
        _SHAPES[cls] = shape
    return shape


def _slot(each: Field[Any], hint: Any) -> _Slot:
    return _Slot(
        attribute=each.name,
        name=each.metadata.get("name", each.name),
        optional=each.metadata.get("optional", False),
        required=each.default is MISSING and each.default_factory is MISSING,
        decode=_decoder(hint),
    )


def _plain(value: Any) -> Any:
    match value:
        case Record():
            return encode(value)
        case Enum():
            return value.value
        case Mapping():
            return {key: _plain(each) for key, each in value.items()}
        case tuple() | list():
            return [_plain(each) for each in value]
    return value


def _decoder(hint: Any) -> _Decoder:
    """What makes a value of an annotation out of JSON, or raises CorruptError."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None:
        return _decoder_of_class(hint)
    if origin in (Union, types.UnionType):
        return _maybe([each for each in arguments if each is not type(None)])
    if origin is not tuple:
        return _object_of(_decoder(arguments[1]))
    if arguments[-1] is ...:
        return _list_of(_decoder(arguments[0]))
    return _row_of([_decoder(each) for each in arguments])


def _decoder_of_class(hint: Any) -> _Decoder:
    if hint is Any:
        return lambda value: value
    if issubclass(hint, Record):
        return functools.partial(decode, hint)
    return functools.partial(_member if issubclass(hint, Enum) else _scalar, hint)


def _maybe(kinds: list[Any]) -> _Decoder:
    if len(kinds) != 1:
        raise TypeError("a record's field has one kind, and may be None")
    inner = _decoder(kinds[0])
    return lambda value: None if value is None else inner(value)


def _list_of(inner: _Decoder) -> _Decoder:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise CorruptError(f"{value!r:.80} is no list")
        return tuple(inner(each) for each in value)

    return read


def _row_of(inner: list[_Decoder]) -> _Decoder:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != len(inner):
            raise CorruptError(f"{value!r:.80} is no list of {len(inner)}")
        return tuple(each(part) for each, part in zip(inner, value, strict=True))

    return read


def _object_of(inner: _Decoder) -> _Decoder:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise CorruptError(f"{value!r:.80} is no object")
        return {key: inner(each) for key, each in value.items()}

    return read


def _member(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError as error:
        raise CorruptError(str(error)) from error


def _scalar(kind: type, value: Any) -> Any:
    if type(value) is kind:
        return value
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise CorruptError(f"{value!r:.80} is no {kind.__name__}")
    return value
