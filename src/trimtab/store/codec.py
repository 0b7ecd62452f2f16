"""Records as JSON text and back, exactly: every float by its repr, NaN and infinities too, tuples as tuples.

The shape of a record is that of its dataclass. Two additions: ``version`` of the whole, and a ``kind`` where a field may
hold one of several dataclasses. The text is strict JSON: what JSON cannot say is tagged (``"inf"`` in a field that is a
float; ``{"$float": "inf"}``, ``{"$tuple": [...]}``, ``{"$dict": [[key, value], ...]}`` in a field of any type).
"""

from __future__ import annotations

import dataclasses
import json
import math
import operator
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from trimtab.errors import StoreError, StoreVersionError
from trimtab.space import Settings
from trimtab.store.records import Event

RECORD_VERSION = 1
"""Version of the record format. A new field with a default needs no new version; anything else does, and a fixture."""

T = TypeVar("T")


class Codec(NamedTuple):
    """How values of one type become plain data for JSON, and come back."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def encode_event(event: Event) -> str:
    """Return ``event`` as one line of JSON; raise StoreError if a value in it is not plain data."""
    try:
        return json.dumps({"version": RECORD_VERSION, **codec(Event).encode(event)}, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{type(event).__name__} cannot be stored: {error}") from error


def decode_event(text: str) -> Event:
    """Return the event in ``text``; raise StoreVersionError if another version wrote it, StoreError if it is damaged."""
    record = _parse(text)
    version = record.pop("version", None)
    if version != RECORD_VERSION:
        raise StoreVersionError(
            f"record of version {version!r}: this trimtab reads version {RECORD_VERSION}; use the trimtab that wrote it"
        )
    return _decoded(codec(Event), record)


def encode(kind: type[T], value: T) -> str:
    """Return ``value``, a record of type ``kind``, as JSON without a version: for the same trimtab at the other end."""
    return json.dumps(codec(kind).encode(value), allow_nan=False, separators=(",", ":"))


def decode(kind: type[T], text: str) -> T:
    """Return the record of type ``kind`` that ``encode`` made ``text`` of."""
    return _decoded(codec(kind), _parse(text))


def _parse(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise StoreError(f"a record is damaged, it is not JSON: {text[:80]!r}") from error
    if not isinstance(record, dict):
        raise StoreError(f"a record is damaged, it is not a JSON object: {text[:80]!r}")
    return record


def _decoded(made: Codec, record: dict[str, Any]) -> Any:
    try:
        return made.decode(record)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise StoreError(f"a record is damaged: {type(error).__name__}: {error}") from error


@cache
def codec(kind: Any) -> Codec:
    """Return the codec of a type: a dataclass, or what the fields of records are made of."""
    for build in (_scalar, _settings, _record, _sequence, _mapping, _union):
        made = build(kind)
        if made is not None:
            return made
    raise TypeError(f"no codec for {kind!r}")


def _scalar(kind: Any) -> Codec | None:
    if kind is float:
        return Codec(_from_float, float)
    if kind is int:
        return Codec(operator.index, operator.index)
    if kind is bool:
        return Codec(bool, bool)
    if kind is Any:
        return Codec(_tag, _untag)
    if kind is str or kind is NoneType:
        return Codec(partial(_expect, kind), partial(_expect, kind))
    if get_origin(kind) is Literal:
        names = frozenset(get_args(kind))
        return Codec(lambda value: _one_of(names, value), lambda data: _one_of(names, data))
    return None


def _settings(kind: Any) -> Codec | None:
    if kind is not Settings:
        return None
    return Codec(
        lambda settings: {name: _tag(value) for name, value in settings.items()},
        lambda data: Settings({name: _untag(value) for name, value in data.items()}),
    )


def _record(kind: Any) -> Codec | None:
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        return None
    hints = get_type_hints(kind)
    fields = {field.name: codec(hints[field.name]) for field in dataclasses.fields(kind) if field.init}
    encoders = [(name, made.encode) for name, made in fields.items()]
    decoders = {name: made.decode for name, made in fields.items()}

    def decode_record(data: dict[str, Any]) -> Any:
        if unknown := data.keys() - decoders.keys():
            raise StoreVersionError(
                f"{kind.__name__} with unknown {', '.join(sorted(unknown))}: a newer trimtab wrote it; use that one or a newer"
            )
        return kind(**{name: decoders[name](value) for name, value in data.items()})

    return Codec(lambda value: {name: encoder(getattr(value, name)) for name, encoder in encoders}, decode_record)


def _sequence(kind: Any) -> Codec | None:
    args = get_args(kind)
    if get_origin(kind) is not tuple:
        return None
    if args[1:] == (...,):
        encoder, decoder = codec(args[0])
        return Codec(lambda value: list(map(encoder, value)), lambda data: tuple(map(decoder, data)))
    encoders, decoders = zip(*map(codec, args), strict=True)
    return Codec(
        lambda value: [encoder(item) for encoder, item in zip(encoders, value, strict=True)],
        lambda data: tuple([decoder(item) for decoder, item in zip(decoders, data, strict=True)]),
    )


def _mapping(kind: Any) -> Codec | None:
    if get_origin(kind) not in (dict, Mapping):
        return None
    (encoder, decoder), (key, _) = codec(get_args(kind)[1]), codec(get_args(kind)[0])
    if get_args(kind)[1] is Any:
        return Codec(_tag, _untag)
    return Codec(
        lambda value: {key(name): encoder(item) for name, item in value.items()},
        lambda data: {name: decoder(item) for name, item in data.items()},
    )


def _union(kind: Any) -> Codec | None:
    if get_origin(kind) not in (Union, UnionType):
        return None
    members = [member for member in get_args(kind) if member is not NoneType]
    if len(members) == 1:
        encoder, decoder = codec(members[0])
        return Codec(
            lambda value: None if value is None else encoder(value),
            lambda data: None if data is None else decoder(data),
        )
    if not all(dataclasses.is_dataclass(member) for member in members):
        return Codec(_tag, _untag)
    return _tagged_union({member.__name__: codec(member) for member in members})


def _tagged_union(members: Mapping[str, Codec]) -> Codec:
    def encode_member(value: Any) -> dict[str, Any]:
        name = type(value).__name__
        if name not in members:
            raise TypeError(f"expected one of {', '.join(members)}, got {value!r}")
        return {"kind": name, **members[name].encode(value)}

    def decode_member(data: dict[str, Any]) -> Any:
        fields = dict(data)
        name = fields.pop("kind")
        if name not in members:
            raise StoreVersionError(f"record of unknown kind {name!r}: a newer trimtab wrote it; use that one or a newer")
        return members[name].decode(fields)

    return Codec(encode_member, decode_member)


def _from_float(value: Any) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else repr(number)


def _expect(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, got {value!r}")
    return value


def _one_of(names: frozenset[Any], value: Any) -> Any:
    if value not in names:
        raise ValueError(f"expected one of {', '.join(sorted(map(repr, names)))}, got {value!r}")
    return value


def _tag(value: Any) -> Any:
    """Return plain data of any shape as what JSON can say, keeping bool, int, float, list and tuple apart."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, list):
        return [_tag(item) for item in value]
    if isinstance(value, tuple):
        return {"$tuple": [_tag(item) for item in value]}
    if isinstance(value, Mapping):
        return _tag_mapping(value)
    raise TypeError(f"expected plain data (None, bool, int, float, str, list, tuple, dict), got {value!r}")


def _tag_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: _tag(item) for key, item in value.items()}
    return {"$dict": [[_tag(key), _tag(item)] for key, item in value.items()]}


def _untag(data: Any) -> Any:
    if isinstance(data, list):
        return [_untag(item) for item in data]
    if not isinstance(data, dict):
        return data
    if "$float" in data:
        return float(data["$float"])
    if "$tuple" in data:
        return tuple(_untag(item) for item in data["$tuple"])
    if "$dict" in data:
        return {_untag(key): _untag(item) for key, item in data["$dict"]}
    return {key: _untag(item) for key, item in data.items()}
