"""Settings as JSON: frozen dataclasses to dictionaries and back.

Run folders and zoo entries store the model, the task and the evolution strategy in this form.  Decorate a class of your
own with `@enu_lib.register` to store it too.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from enu_lib.base.kinds import conform, is_numpy, kinds, shown

T = TypeVar("T", bound=type)
Settings = TypeVar("Settings")  # a dataclass
_CLASSES: dict[str, type] = {}
MAX_DEPTH = 32  # most levels of nesting accepted in JSON; our files have six


def library_version() -> str:
    """The version of the installed enu_lib; "not installed" where its files are used without installing them."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("enu_lib")
    except PackageNotFoundError:
        return "not installed"


def register(cls: T) -> T:
    """Let settings of this dataclass be read back from JSON.  Use as a class decorator.

    Optional class attributes keep older files readable: `former_names`, what the class used to be called; `renamed`,
    {old field: new field}; `older`, values for fields that older files lack, where these differ from the defaults.
    """
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls.__name__} must be a dataclass to be stored in a run folder")
    if any(field.name == "type" for field in dataclasses.fields(cls)):  # in JSON this is the name of the class
        raise TypeError(
            f"{cls.__name__} has a field named 'type', but stored settings keep the name of the class there: rename the field"
        )
    for name in (cls.__name__, *getattr(cls, "former_names", ())):
        _CLASSES[name] = cls
    return cls


def current_name(cls: type, field: str) -> str:
    """A field's name today, given that name or a former one."""
    renamed: dict[str, str] = getattr(cls, "renamed", {})
    return renamed.get(field, field)


def to_config(value: object) -> Any:
    """A JSON-able copy of settings: a dataclass becomes {"type": its name, field: value, ...}."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: to_config(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, (list, tuple)):
        return [to_config(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_config(item) for key, item in value.items()}
    if is_numpy(value, "generic"):
        numpy_scalar: Any = value
        return to_config(numpy_scalar.item())
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    what = f"an object of class {type(value).__name__}" if type(value).__repr__ is object.__repr__ else shown(value)
    raise TypeError(
        f"{what} cannot be stored as JSON: settings are numbers, strings, tuples and dataclasses; "
        "write @enu_lib.register and @dataclass(frozen=True) above a class of your own"
    )


def from_config(config: Any) -> Any:
    """The settings that `to_config` wrote; lists become tuples.  Unknown fields and types raise ValueError.

    Files of earlier versions are read too (see `register`).  A missing field takes the class's `older` value, which
    reproduces the behaviour before the field was added, or else its default.
    """
    if isinstance(config, list):
        return tuple(from_config(item) for item in config)
    if isinstance(config, dict) and "type" in config:
        name = config["type"]
        if isinstance(name, str) and name not in _CLASSES:
            importlib.import_module("enu_lib.experiments")  # registers the library's own classes, on first need
        if not isinstance(name, str) or name not in _CLASSES:
            raise ValueError(
                f"unknown settings type {shown(name)}: if the class is yours, "
                "decorate it with @enu_lib.register and import it first"
            )
        cls = _CLASSES[name]
        fields = {current_name(cls, key): from_config(item) for key, item in config.items() if key != "type"}
        try:
            return cls(**{**getattr(cls, "older", {}), **fields})
        except TypeError as error:
            raise ValueError(f"settings of {name} do not fit this version: {error}") from None
    if isinstance(config, dict):
        return {key: from_config(item) for key, item in config.items()}
    return config


def to_json(value: object) -> str:
    """Readable JSON of settings."""
    return json.dumps(to_config(value), indent=1)


def parse_json(text: str | bytes, source: str) -> Any:
    """The value of a JSON text.  Raises ValueError naming the source if it is invalid JSON, not UTF-8 or too deeply nested."""
    try:
        value = json.loads(text)
    except RecursionError:
        value, depth = None, MAX_DEPTH + 1
    except ValueError as error:
        raise ValueError(f"{source} is not valid JSON ({error})") from None
    else:
        depth = _depth(value)
    if depth > MAX_DEPTH:
        raise ValueError(f"{source} nests lists and objects more than {MAX_DEPTH} deep")
    return value


def _depth(value: object) -> int:
    """Levels of nested lists and objects, counted without recursion and only until the limit is exceeded."""
    depth, nested = 0, [v for v in (value,) if isinstance(v, (list, dict))]
    while nested and depth <= MAX_DEPTH:
        inner = (item for v in nested for item in (v.values() if isinstance(v, dict) else v))
        nested = [item for item in inner if isinstance(item, (list, dict))]
        depth += 1
    return depth


def with_settings(value: Settings, changes: Mapping[str, object], within: str = "") -> Settings:
    """A copy of nested settings with fields changed: `with_settings(experiment, {"es.sigma": 0.02})`.

    The order of the changes does not matter.  Raises ValueError for an unknown field, naming the valid ones, and for a value
    of the wrong type or out of bounds.
    """
    fields = kinds(type(value))
    changed: dict[str, Any] = {}
    nested: dict[str, dict[str, object]] = {}
    for path, new in changes.items():
        head, _, rest = path.partition(".")
        head = current_name(type(value), head)
        if head not in fields:
            deeper = [f"{within}{found}" for found in _paths(value, path)]
            instead = f"set {' or '.join(deeper)}, or " if deeper else ""
            raise ValueError(f"{type(value).__name__} has no setting {head!r}: {instead}choose one of {', '.join(fields)}")
        if rest:
            nested.setdefault(head, {})[rest] = new
        else:
            changed[head] = _fitting(fields[head], getattr(value, head), new, f"{within}{head}")
    for head, inner in nested.items():
        old = changed.get(head, getattr(value, head))
        if not dataclasses.is_dataclass(old):
            raise ValueError(f"{within}{head} is a single value and has no setting {next(iter(inner))!r}")
        changed[head] = with_settings(old, inner, f"{within}{head}.")
    old_settings: Any = value
    new_settings: Settings = dataclasses.replace(old_settings, **changed)
    return new_settings


def _paths(value: object, name: str) -> list[str]:
    """The paths in nested settings that end in this name."""
    found: list[str] = []
    for field in kinds(type(value)):
        inner = getattr(value, field)
        if dataclasses.is_dataclass(inner):
            found += [f"{field}.{path}" for path in ([name] if name in kinds(type(inner)) else _paths(inner, name))]
    return found


def _fitting(kind: Any, old: object, new: object, name: str) -> Any:
    """A field's new value, checked against its annotation, or against the old value's type if the annotation is Any."""
    if kind is Any and old is not None:
        kind = type(old)
    return conform(kind, new, name)
