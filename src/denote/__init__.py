"""What do the neurons of a network denote? Observer models, controls, and label proportion by depth."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from denote.api.comparison import ComparisonResult, compare
    from denote.api.interface import layers, load, merge, observe
    from denote.api.results import ObservationResult, SweepResult
    from denote.data.parts import Parts
    from denote.denotation.depth.analysis import DepthAnalysis, depth_analysis
    from denote.denotation.depth.plan import Analysis
    from denote.errors import DenoteError
    from denote.evidence.rule import Rule
    from denote.interventions.kinds import Ablate, Erase, Steer
    from denote.observation.arguments import Controls

__all__ = [  # the version is made when it is asked for
    "Ablate",
    "Analysis",
    "ComparisonResult",
    "Controls",
    "DenoteError",
    "DepthAnalysis",
    "Erase",
    "ObservationResult",
    "Parts",
    "Rule",
    "Steer",
    "SweepResult",
    "__version__",
    "compare",
    "depth_analysis",
    "layers",
    "load",
    "merge",
    "observe",
]

_HOMES = {
    "Ablate": "denote.interventions.kinds",
    "Analysis": "denote.denotation.depth.plan",
    "ComparisonResult": "denote.api.comparison",
    "Controls": "denote.observation.arguments",
    "DenoteError": "denote.errors",
    "DepthAnalysis": "denote.denotation.depth.analysis",
    "Erase": "denote.interventions.kinds",
    "ObservationResult": "denote.api.results",
    "Parts": "denote.data.parts",
    "Rule": "denote.evidence.rule",
    "Steer": "denote.interventions.kinds",
    "SweepResult": "denote.api.results",
    "compare": "denote.api.comparison",
    "depth_analysis": "denote.denotation.depth.analysis",
    "layers": "denote.api.interface",
    "load": "denote.api.interface",
    "merge": "denote.api.interface",
    "observe": "denote.api.interface",
}
_RENAMED = {"Seen": "ObservationResult", "Loaded": "SweepResult"}


def __getattr__(name: str) -> Any:
    """Import what takes time when it is asked for: the functions need torch, the version its metadata."""
    if name in _RENAMED:
        import warnings

        warnings.warn(f"denote.{name} is called denote.{_RENAMED[name]} now", DeprecationWarning, stacklevel=2)
        name = _RENAMED[name]
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


def __dir__() -> list[str]:
    """Return the public names alone, as completion shows them."""
    return sorted(__all__)
