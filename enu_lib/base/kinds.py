"""Types and bounds of settings, read from the annotations of a dataclass.

    hidden: Size = 32                      # an integer from 1 to 65536
    energy: Positive | None = None         # a number above 0 and at most 1e+09, or None
    layout: Literal["t", "double-t"] = "t"

    conform(Size, 0, "hidden")             # ValueError: hidden takes an integer from 1 to 65536, got 0

NumPy numbers become Python numbers; lists become tuples.  True and False are not numbers.  The upper bounds are far above
any realistic value: they keep a typing error from filling memory, running for ever or overflowing 32 bits.
"""

from __future__ import annotations

import dataclasses
import math
import os
import sys
import types
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints


@dataclasses.dataclass(frozen=True)
class Between:
    """Bounds of a number in an annotation: low <= number <= high, or low < number if `above`; NaN only if `nan`."""

    low: float
    high: float
    above: bool = False
    nan: bool = False

    def admits(self, number: float) -> bool:
        """Whether a number lies within the bounds."""
        within = self.low < number if self.above else self.low <= number
        return (within and number <= self.high) or (self.nan and number != number)

    def __str__(self) -> str:
        low, high = (str(v) if isinstance(v, int) else f"{v:g}" for v in (self.low, self.high))
        return f"above {low} and at most {high}" if self.above else f"from {low} to {high}"


Json = dict[str, Any]  # an object of a JSON file
Changes = dict[str, Any]  # to an experiment, by path: {"es.sigma": 0.01}; or to one object, by field

Size = Annotated[int, Between(1, 2**16)]  # a dimension that memory use grows with
Steps = Annotated[int, Between(1, 10**6)]  # length of an episode
Batch = Annotated[int, Between(1, 2**20)]  # environments
Count = Annotated[int, Between(1, 10**9)]  # a number that memory use does not depend on, such as generations
Index = Annotated[int, Between(0, 2**16)]
Seed = Annotated[int, Between(0, 2**63 - 1)]
Real = Annotated[float, Between(-1e9, 1e9)]
Positive = Annotated[float, Between(0, 1e9, above=True)]
NotNegative = Annotated[float, Between(0, 1e9)]
Share = Annotated[float, Between(0, 1)]
Measured = Annotated[float, Between(-math.inf, math.inf, nan=True)]  # a result rather than a setting

_INT64 = Between(-(2**63), 2**63 - 1)
_FLOAT32 = Between(-(2.0**128 - 2.0**104), 2.0**128 - 2.0**104)
_KIND_IN_WORDS: dict[Any, str] = {
    type(None): "None",
    bool: "true or false",
    int: "an integer below 2**63",
    float: "a finite number below 3.4e38",
    str: "a string",
}


class _Unfit(Exception):
    """A value does not have the required type or bounds."""


def conform(kind: Any, value: Any, name: str) -> Any:
    """`value` as plain Python if it fits this kind, else ValueError with the name, the value and what is accepted."""
    try:
        return _as(kind, value)
    except _Unfit:
        raise ValueError(f"{name} takes {describe(kind)}, got {shown(value)}") from None


def from_environment(kind: Any, name: str, default: Any = None) -> Any:
    """The integer in an environment variable, checked against this kind; the default if the variable is unset or empty."""
    text = os.environ.get(name, "").strip()
    return conform(kind, int(text) if text.removeprefix("-").isdecimal() else text, name) if text else default


def check(settings: Any) -> None:
    """Check and convert every field of a dataclass, frozen or not; call this first in its `__post_init__`."""
    for name, kind in kinds(type(settings)).items():
        object.__setattr__(settings, name, conform(kind, getattr(settings, name), name))


def require(record: Any, wanted: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The entries `wanted` ({key: kind}) of a JSON object.  Raises ValueError naming the source and the problem."""
    if not isinstance(record, dict):
        raise ValueError(f"{source} must hold a JSON object, not {shown(record)}")
    missing = [key for key in wanted if key not in record]
    if missing:
        raise ValueError(f"{source} lacks {', '.join(map(repr, missing))}")
    return {key: conform(kind, record[key], f"{source}: {key}") for key, kind in wanted.items()}


def kinds(cls: type) -> dict[str, Any]:
    """The kind of each field of a dataclass or named tuple.  Annotations that cannot be resolved accept any value."""
    return _kinds(cls)


@lru_cache
def _kinds(cls: type) -> dict[str, Any]:
    names = [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else getattr(cls, "_fields", ())
    try:
        hints = get_type_hints(cls, include_extras=True)
    except (NameError, TypeError):
        hints = {}
    return {name: hints.get(name, Any) for name in names}


def describe(kind: Any) -> str:
    """A kind in words, as they follow "takes" in an error message."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return f"{'an integer' if arguments[0] is int else 'a number'} {arguments[1]}"
    if origin in (Union, types.UnionType):
        return " or ".join(describe(arm) for arm in arguments)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin is tuple and arguments[-1] is not Ellipsis:
        return f"a list of {len(arguments)} ({', '.join(map(describe, arguments))})"
    if origin in (tuple, list):
        return f"a list, each entry {describe(arguments[0])}"
    if origin is dict:
        return f"an object, each value {describe(arguments[1])}"
    if kind in _KIND_IN_WORDS:
        return _KIND_IN_WORDS[kind]
    return f"a {getattr(kind, '__name__', kind)}"


def is_numpy(value: object, kind: str) -> bool:
    """Whether a value is a NumPy scalar of this kind, such as "integer".  NumPy is not imported for this: that takes time."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, getattr(numpy, kind))


def shown(value: Any) -> str:
    """A value for an error message, on one line and shortened."""
    if isinstance(value, int) and value.bit_length() > 200:  # Python refuses to print very long integers
        return f"an integer of about {int((value.bit_length() - 1) * math.log10(2)) + 1} digits"
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _as(kind: Any, value: Any) -> Any:
    if kind is int or kind is float:  # first, since stored results have very many of them
        return _number(kind, value, _INT64 if kind is int else _FLOAT32)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _number(arguments[0], value, arguments[1])
    if origin in (Union, types.UnionType):
        return _first(arguments, value)
    if origin in (tuple, list):
        return origin(_entries(origin, arguments, value))
    if origin is Literal:
        plain = _first([type(choice) for choice in arguments], value)  # compared after that: arrays compare entry by entry
        if plain not in arguments:
            raise _Unfit
        return plain
    if origin is dict:
        if not isinstance(value, dict):
            raise _Unfit
        return {_as(arguments[0], key): _as(arguments[1], item) for key, item in value.items()}
    if kind is bool and is_numpy(value, "bool_"):
        return bool(value)
    if kind is Any or origin is not None or not isinstance(kind, type):  # type variables, callables: not checked
        return value
    if not isinstance(value, kind):
        raise _Unfit
    return str(value) if kind is str else value


def _first(kinds: Sequence[Any], value: Any) -> Any:
    """`value` converted to the first kind that it fits."""
    for kind in kinds:
        try:
            return _as(kind, value)
        except _Unfit:
            pass
    raise _Unfit


def _number(kind: type, value: Any, bounds: Between) -> Any:
    number: Any = value if type(value) is kind else _converted(kind, value)  # nearly all numbers have their type already
    if not bounds.admits(number):
        raise _Unfit
    return number


def _converted(kind: type, value: Any) -> Any:
    fits = isinstance(value, int) or is_numpy(value, "integer")
    fits = fits or (kind is float and (isinstance(value, float) or is_numpy(value, "floating")))
    if isinstance(value, bool) or not fits:
        raise _Unfit
    try:
        return kind(value)
    except OverflowError:  # a float cannot hold an integer of hundreds of digits
        raise _Unfit from None


def _entries(origin: type, arguments: tuple[Any, ...], value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise _Unfit
    if origin is tuple and arguments[-1] is not Ellipsis:
        if len(arguments) != len(value):
            raise _Unfit
        return [_as(kind, item) for kind, item in zip(arguments, value, strict=True)]
    return [_as(arguments[0], item) for item in value]
