"""Observers on disk: safetensors with the rest as JSON metadata; nothing in a file is ever executed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from denote.errors import StoreError
from denote.files import atomic_write
from denote.observers.observer import Observer

_ARRAYS = tuple(field.name for field in fields(Observer) if field.name not in ("probe", "k", "notes"))


def save_observers(path: Path, observers: Mapping[str, Observer]) -> None:
    """Write named observers (for example one per layer and probe) to one file.

    Args:
        path: The file, replaced at once or not at all.
        observers: By name; a name holds no ``|``.
    """
    arrays, facts = {}, {}
    for name, observer in observers.items():
        if "|" in name:
            raise ValueError(f"observer name {name!r} holds '|'")
        facts[name] = {"probe": observer.probe, "k": observer.k, "notes": observer.notes}
        for field in _ARRAYS:
            value = getattr(observer, field)
            if value is not None:
                arrays[f"{name}|{field}"] = np.ascontiguousarray(value)
    with atomic_write(path) as temporary:
        save_file(arrays, temporary, metadata={"observers": json.dumps(facts)})


def load_observers(path: Path) -> dict[str, Observer]:
    """Read what ``save_observers`` wrote, bit for bit.

    Raises:
        StoreError: if the file is missing, damaged or holds something else.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {})["observers"])
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        observers = {}
        for name, fact in facts.items():
            of_observer = {field: arrays[f"{name}|{field}"] for field in _ARRAYS if f"{name}|{field}" in arrays}
            observers[name] = Observer(**of_observer, probe=fact["probe"], k=fact["k"], notes=tuple(fact["notes"]))
        return observers
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as problem:
        raise StoreError(str(path), f"holds no observers ({type(problem).__name__})") from problem
