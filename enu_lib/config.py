"""Settings as JSON: frozen dataclasses to dictionaries and back.

Run folders and zoo entries store the model, the task and the evolution strategy in this form.  A class of your own takes
part after `@enu_lib.register`.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from typing import Any, TypeVar

T = TypeVar("T", bound=type)
_CLASSES: dict[str, type] = {}


def library_version() -> str:
    """The version of the installed enu_lib."""
    return importlib.metadata.version("enu_lib")


def register(cls: T) -> T:
    """Let settings of this dataclass be read back from JSON.  Use as a class decorator."""
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls.__name__} must be a dataclass to be stored in a run folder")
    _CLASSES[cls.__name__] = cls
    return cls


def to_config(value: Any) -> Any:
    """A JSON-able copy of settings: a dataclass becomes {"type": its name, field: value, ...}."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: to_config(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, (list, tuple)):
        return [to_config(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_config(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{value!r} cannot be stored as JSON: settings are numbers, words, tuples, dataclasses")


def from_config(config: Any) -> Any:
    """The settings that `to_config` wrote; lists become tuples.  Unknown fields and types raise ValueError.

    A field that is missing was added after the settings were stored: it has its default, or the value that the class's
    `older` names, which is how things were before.
    """
    if isinstance(config, list):
        return tuple(from_config(item) for item in config)
    if isinstance(config, dict) and "type" in config:
        name = config["type"]
        if name not in _CLASSES:
            raise ValueError(
                f"settings of type {name!r} are not known here: if the class is yours, "
                "decorate it with @enu_lib.register and import it first"
            )
        fields = {key: from_config(item) for key, item in config.items() if key != "type"}
        older = getattr(_CLASSES[name], "older", {})
        try:
            return _CLASSES[name](**{**older, **fields})
        except TypeError as error:
            raise ValueError(f"settings of {name} do not fit this version: {error}") from None
    if isinstance(config, dict):
        return {key: from_config(item) for key, item in config.items()}
    return config


def to_json(value: Any) -> str:
    """Readable JSON of settings."""
    return json.dumps(to_config(value), indent=1)


def with_setting(value: Any, path: str, new: Any, within: str = "") -> Any:
    """A copy of nested settings with one field changed: `with_setting(experiment, "es.sigma", 0.02)`.

    Raises ValueError for a field that does not exist, naming those that do, and for a value of another kind.
    """
    head, _, rest = path.partition(".")
    names = {f.name: str(f.type) for f in dataclasses.fields(value)}
    if head not in names:
        raise ValueError(f"{type(value).__name__} has no setting {head!r}: choose one of {', '.join(names)}")
    old = getattr(value, head)
    if rest:
        if not dataclasses.is_dataclass(old):
            raise ValueError(f"{head!r} is a value, it has no setting {rest!r}")
        new = with_setting(old, rest, new, f"{within}{head}.")
    elif isinstance(old, bool) != isinstance(new, bool) and None not in (old, new):
        raise ValueError(f"{within}{path} takes a value like {old!r}, got {new!r}")
    elif isinstance(old, float) and isinstance(new, int):
        new = float(new)
    elif new is None:
        if "None" not in names[head]:
            raise ValueError(f"{within}{path} takes a value like {old!r}, got None")
    elif old is not None and not isinstance(new, type(old)):
        raise ValueError(f"{within}{path} takes a value like {old!r}, got {new!r}")
    return dataclasses.replace(value, **{head: new})
