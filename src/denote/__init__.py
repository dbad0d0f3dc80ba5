"""What do the neurons of a network denote? Observer models, controls, and label proportion by depth."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from denote.denotation.depth.analysis import depth_analysis
    from denote.interface import layers, load, observe

__all__ = ["depth_analysis", "layers", "load", "observe"]

_HOMES = dict.fromkeys(("layers", "load", "observe"), "denote.interface") | {
    "depth_analysis": "denote.denotation.depth.analysis"
}


def __getattr__(name: str) -> Any:
    """What takes time to import, when it is asked for: the functions need torch, the version its metadata."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    if name != "__version__":
        raise AttributeError(f"module 'denote' has no attribute {name!r}")
    from importlib import metadata

    try:
        return metadata.version("denote")
    except metadata.PackageNotFoundError:  # run from a source tree that was not installed
        return "0+unknown"
