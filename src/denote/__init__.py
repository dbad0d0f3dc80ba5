"""What do the neurons of a network denote? Observer models, controls, and label proportion by depth."""

from typing import Any


def __getattr__(name: str) -> Any:
    """``__version__``, looked up when asked for: reading package metadata takes as long as composing a config."""
    if name != "__version__":
        raise AttributeError(f"module 'denote' has no attribute {name!r}")
    from importlib import metadata

    try:
        return metadata.version("denote")
    except metadata.PackageNotFoundError:  # run from a source tree that was not installed
        return "0+unknown"
