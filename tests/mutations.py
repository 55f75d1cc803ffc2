"""Random mutations of files and command lines: bytes, JSON, safetensors, CSV.  All take a `random.Random`."""

from __future__ import annotations

import json
import random
import struct
from copy import deepcopy
from typing import Any

VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2.5, 2**31, 2**63, -(2**63) - 1, 10**400, 1e308, -1e308, float("inf"), float("nan"), "", "x",
    "Experiment", "a" * 5000, "\x00", "\ud800", [], [[]], {}, [0, -1], [1e9] * 50, {"type": []}, {"type": "Experiment"},
    {"type": "ES"}, {"type": "Maze", "layout": 3}, {"type": "Nobody"}, {"x": {"y": 1}}, {"type": "STDP", "steps": 10**6},
    {"type": "Network", "connections": [[0, 99]]}, {"type": "ENU", "n_in": 65536, "n_out": 65536, "hidden": 65536},
]  # fmt: skip
DEEP = [b"[" * 50_000, b'{"a":' * 50_000, b'{"experiment":' * 40 + b"1" + b"}" * 40]
WORDS = [b"NaN", b"inf", b"-1", b"1e999", b"9" * 400, b"", b",", b"\n", b'"', b"\x00", b"\xff\xfe", b"null", b"{}", b"1_0"]


def flipped(data: bytes, bit: int) -> bytes:
    """Bytes with one bit flipped."""
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


def in_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bytes with flipped bits, or with a part deleted, doubled, moved, overwritten or cut off."""
    n = len(data)
    a, b = sorted((rng.randint(0, n), min(n, rng.randint(0, n))))
    b = min(b, a + rng.choice([1, 8, 64, 4096]))
    kind = rng.randrange(9)
    if kind < 3 and n:
        for _ in range(rng.choice([1, 1, 1, 2, 16])):
            data = flipped(data, rng.randrange(8 * n))
        return data
    if kind == 3:
        return data[:a]
    if kind == 4:
        return data[:a] + data[b:]
    if kind == 5:
        return data[:b] + data[a:b] * rng.choice([1, 1, 100]) + data[b:]
    if kind == 6:
        return data[:a] + bytes(b - a) + data[b:]
    if kind == 7:
        return data[:a] + rng.choice(WORDS) + data[a if rng.random() < 0.5 else b :]
    return data[b:] + data[:a] if rng.random() < 0.7 else rng.choice([b"", *DEEP])


def in_json(value: Any, rng: random.Random) -> Any:
    """A JSON value with one to three entries replaced, deleted, renamed, doubled or exchanged."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        places = _places(value)
        if not places or rng.random() < 0.02:
            return deepcopy(rng.choice(VALUES))
        parent, key = rng.choice(places)
        kind = rng.randrange(6)
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, dict):
            parent[rng.choice(["type", "x", f"{key}s", "checksum"])] = parent.pop(key)
        elif kind == 2:
            other, its = rng.choice(places)
            if isinstance(other, dict) and its in other and other[its] is not parent:
                parent[key] = json.loads(json.dumps(other[its]))
        elif kind == 3 and isinstance(parent, list) and len(parent) < 1000:
            parent *= rng.choice([2, 100])
        else:
            parent[key] = deepcopy(rng.choice(VALUES))  # a later change must not reach the list
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of all entries, except in the rest of long lists."""
    found: list[tuple[Any, Any]] = []
    level = [value]
    while level:
        below = []
        for item in level:
            keys: Any = item if isinstance(item, dict) else range(min(4, len(item))) if isinstance(item, list) else ()
            found += [(item, key) for key in keys]
            below += [item[key] for key in keys]
        level = below
    return found


def in_safetensors(data: bytes, rng: random.Random) -> bytes:
    """A safetensors file with another header (names, types, shapes, offsets), header length or metadata."""
    (size,) = struct.unpack("<Q", data[:8])
    header, payload = json.loads(data[8 : 8 + size]), data[8 + size :]
    if rng.random() < 0.1:
        return struct.pack("<Q", rng.choice([0, 1, size - 1, size + 1, 2**32, 2**63, 2**64 - 1])) + data[8:]
    if rng.random() < 0.4:
        words = in_json(json.loads(header["__metadata__"]["enu"]), rng)
        header["__metadata__"]["enu"] = json.dumps(words)
    else:
        header = in_json(header, rng)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def in_table(data: bytes, rng: random.Random) -> bytes:
    """A CSV file with lines deleted, doubled, exchanged or cut, or with another cell."""
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(6)
    if kind == 0:
        del lines[a]
    elif kind == 1:
        lines.insert(b, lines[a])
    elif kind == 2:
        lines[a], lines[b] = lines[b], lines[a]
    elif kind == 3:
        lines = lines[:a]
    elif kind == 4:
        lines = [*lines[:a], lines[a][: rng.randint(0, len(lines[a]))]]
    else:
        cells = lines[a].split(b",")
        cells[rng.randrange(len(cells))] = rng.choice(WORDS)
        lines[a] = b",".join(cells)
    return b"\n".join(lines)


def in_words(words: list[str], pool: list[str], rng: random.Random) -> list[str]:
    """A command line with words replaced, deleted, doubled, exchanged or changed by a letter."""
    words = list(words)
    for _ in range(rng.choice([1, 1, 2, 3])):
        k = rng.randrange(len(words)) if words else 0
        kind = rng.randrange(6)
        if kind == 0 and words:
            del words[k]
        elif kind == 1 and words:
            words.insert(k, words[k])
        elif kind == 2 and words:
            j = rng.randrange(len(words))
            words[k], words[j] = words[j], words[k]
        elif kind == 3 and words and words[k]:
            j = rng.randrange(len(words[k]))
            words[k] = words[k][:j] + rng.choice("x-=.0 9e[{\u00e9") + words[k][j + rng.randint(0, 1) :]
        else:
            words[k : k + rng.randint(0, 1)] = [rng.choice(pool)]
    return words
