"""Imports run one way along the arrow from dataset to report, and Hydra stays at the border."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "denote"

FOUNDATION = (
    *("config", "digests", "errors", "files", "locks", "notes", "numbers"),
    *("progress", "stops", "streams", "tables", "worker_processes"),
)
"""Modules beside the arrow that know nothing of it."""

ARROW = (
    *("data", "attributes", "object_models", "states", "kernels", "observers"),
    *("evidence", "denotation", "interventions", "observation", "figures", "comparison", "reporting", "runs"),
)
FACE = ("api", "extending")
"""What is imported from Python: it knows everything but Hydra."""

BORDER = "cli"
"""The only package that knows Hydra."""

MODULES = sorted(SOURCE.rglob("*.py"))


def place(module: str) -> str:
    """The part of the package that ``denote.states.store`` belongs to: ``states``."""
    return module.split(".")[1] if "." in module else ""


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports anywhere, those only for types included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def named(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_run_along_the_arrow(path: Path) -> None:
    own = path.relative_to(SOURCE).with_suffix("").parts[0]
    ours = {place(name) for name in imported(path) if name.split(".")[0] == "denote"} - {own, "__version__", ""}
    if own in FOUNDATION:
        allowed = set(FOUNDATION)
    elif own in ARROW:
        allowed = {*FOUNDATION, *ARROW[: ARROW.index(own)]}
    else:
        assert own in {BORDER, *FACE, "__init__"}, f"{own} has no place in the arrow: give it one here"
        return
    assert ours - allowed == set()


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_the_border_knows_hydra(path: Path) -> None:
    known = {name.split(".")[0] for name in imported(path)} & {"hydra", "omegaconf", "hydra_plugins"}
    assert not known or SOURCE / BORDER in path.parents


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_what_is_private_in_hydra_is_used_in_one_place(path: Path) -> None:
    private = [name for name in imported(path) if name.startswith(("hydra._", "omegaconf._", "hydra.core._"))]
    called = [name for name in ("._get_node(", "._parse_config(", "._value()") if name in path.read_text("utf-8")]
    assert path.stem == "hydra_private" or private + called == []


def test_nothing_uses_hydras_instantiate() -> None:
    """It would build every target nested in the arguments, too; `build` checks one class and calls it."""
    callers = {path.stem for path in MODULES if any(name.endswith("utils.instantiate") for name in imported(path))}
    assert callers == set()


def test_every_part_has_its_place_and_no_catch_all_name() -> None:
    parts = {path.relative_to(SOURCE).with_suffix("").parts[0] for path in MODULES}
    assert parts - {*FOUNDATION, *ARROW, BORDER, *FACE, "__init__"} == set()
    assert not {path.stem for path in MODULES} & {"utils", "helpers", "common", "misc"}
