"""What users read names everything that users see: columns, settings, controls, simulations."""

import re
from pathlib import Path

import pytest
import yaml
from markdown import Markdown

from denote.denotation.depth import plan
from denote.notes import note_kinds
from denote.tables import SWEEP_TABLES

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "denote"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
METHOD, SIMULATIONS = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("method.md", "simulations.md"))
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
COLUMNS = METHOD.split("\n## 8. ")[1].split("\n## ")[0]
SHARED, *PARTS = COLUMNS.split("\n### ")
SECTIONS = {part.split("\n", 1)[0]: part for part in PARTS}
BESIDE = {"controls": ("cells", "neurons")}
"""Whose columns a table has as well."""


def named(text: str) -> set[str]:
    """What stands in backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("table", SWEEP_TABLES)
def test_every_column_is_explained_in_the_section_of_its_table(table: str) -> None:
    explained = named(SHARED).union(*(named(SECTIONS[name]) for name in (table, *BESIDE.get(table, ()))))
    assert set(SWEEP_TABLES[table]) - explained == set()


def test_each_question_of_the_index_has_one_row() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ", (ROOT / "docs/how-to/index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == len(set(rows)) > 5


def test_the_sections_explain_no_column_that_is_gone() -> None:
    """First cells of the tables' rows hold names of columns only."""
    for table, schema in SWEEP_TABLES.items():
        rows = re.findall(r"^\| (`[^|]*) \|", SECTIONS[table], flags=re.MULTILINE)
        assert {name for row in rows for name in named(row)} - set(schema) == set()


def test_every_note_is_listed_with_its_code() -> None:
    listed = re.findall(r"^- `(\w+)`: (.+)$", SECTIONS["Notes"], flags=re.MULTILINE)
    assert listed == [(kind.code, kind.text) for kind in note_kinds().values()]


def test_every_setting_of_the_evidence_is_mentioned() -> None:
    evidence = yaml.safe_load((ROOT / "conf" / "evidence" / "standard.yaml").read_text(encoding="utf-8"))
    assert {f"evidence.{key}" for key in evidence} - named(SECTIONS["Settings that shape the numbers"]) == set()


@pytest.mark.parametrize("option", sorted((ROOT / "conf" / "control").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_control_is_mentioned_with_its_settings(option: Path) -> None:
    section = METHOD.split("\n## 5. ")[1].split("\n## ")[0]
    (row,) = re.findall(rf"^\| `{option.stem}` \|.*$", section, flags=re.MULTILINE)
    assert set(yaml.safe_load(option.read_text(encoding="utf-8"))) - named(row) == set()


@pytest.mark.parametrize("page", ["method.md", "plain-words.md", "how-to/depth.md"])
def test_verdicts_are_those_that_can_be_given(page: str) -> None:
    text = " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split())
    told = [plan.BEYOND_BASIS, plan.ANY_BASIS_SHOWS, plan.POLARITY_ONLY, plan.NO_CHANGE.format(".05"), plan.NOT_SHOWN]
    assert [verdict for verdict in told if verdict not in text] == []


def test_no_page_promises_the_verdict_that_is_gone_as_one_of_today() -> None:
    of_the_past = {"experiments.md", "CHANGELOG.md"}
    pages = {page.name: " ".join(page.read_text(encoding="utf-8").split()).lower() for page in PAGES}
    assert {name for name, text in pages.items() if "no dependence larger" in text} <= of_the_past


def test_every_key_of_the_border_is_told_of() -> None:
    keys = set(yaml.safe_load((ROOT / "conf" / "config.yaml").read_text(encoding="utf-8"))) - {"defaults", "hydra"}
    texts = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert {key for key in keys if not re.search(rf"[`' ]{key}[=.`]", texts)} == set()


def test_whoever_is_told_to_share_a_report_is_told_that_it_holds_inputs() -> None:
    for page in ("README.md", "docs/tutorial.md", "docs/how-to/figures.md", "CHANGELOG.md"):
        assert "report.inputs=false" in (ROOT / page).read_text(encoding="utf-8"), page


def test_every_simulation_is_reported() -> None:
    script = (ROOT / "scripts" / "simulate.py").read_text(encoding="utf-8")
    assert set(re.findall(r'^    "(\w+)": Case', script, flags=re.MULTILINE)) - named(SIMULATIONS) == set()


def test_every_page_is_in_the_menu() -> None:
    """`mkdocs build --strict` says so, too; here it takes no second."""
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert sorted(_leaves(menu)) == sorted(path.relative_to(ROOT / "docs").as_posix() for path in PAGES[3:])


def _leaves(entry: object) -> list[str]:
    if isinstance(entry, dict):
        return [leaf for value in entry.values() for leaf in _leaves(value)]
    return [leaf for each in entry for leaf in _leaves(each)] if isinstance(entry, list) else [str(entry)]


@pytest.fixture(scope="module")
def headings() -> dict[Path, set[str]]:
    """The anchors of every page."""
    reader = Markdown(extensions=["toc", "tables", "fenced_code"])
    return {page: set(re.findall(r'id="([^"]+)"', reader.reset().convert(page.read_text("utf-8")))) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path, headings: dict[Path, set[str]]) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8")):
        other = (page.parent / target).resolve() if target else page
        assert other.exists(), target
        assert not anchor or anchor in headings[other], f"{target}#{anchor}"


def test_the_architecture_names_files_that_are_there() -> None:
    files = set(re.findall(r"`([a-z_/]+\.py)`", ARCHITECTURE))
    assert {file for file in files if not ((SOURCES / file).exists() or (ROOT / file).exists())} == {
        "hydra/_internal/target_policy.py"  # of a later Hydra
    }


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/how-to/extending.md", "docs/api.md", "README.md"])
def test_pages_name_sources_that_are_there(page: str) -> None:
    files = re.findall(r"`(src/denote/[\w/]+\.\w+)`", (ROOT / page).read_text(encoding="utf-8"))
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_the_architecture_finds_functions_where_they_are() -> None:
    """Of the form `name` (`file`), `name` in `file`, or a row of a walk: number, name, file."""
    name, file = r"`([\w., ]+)`", r"`([a-z_/]+\.py)`"
    joint = r"(?:\s+\(|\s+in\s+|\s+\|\s+)"
    pairs = re.findall(rf"{name}{joint}{file}", ARCHITECTURE)
    assert len(pairs) > 80
    gone = [
        (thing, path)
        for thing, path in pairs
        for part in thing.split(".")
        if not re.search(rf"^\s*(?:def|class) {part}\b|^{part}\b", (SOURCES / path).read_text("utf-8"), re.MULTILINE)
    ]
    assert gone == []
