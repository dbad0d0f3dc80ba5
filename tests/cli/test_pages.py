"""The pages hold as they are written: code runs from top to bottom, output is what is shown, commands compose."""

from __future__ import annotations

import contextlib
import copy
import io
import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from command_line import Command, composed
from hydra.core.override_parser.overrides_parser import OverridesParser
from word_pieces import word_pieces

from denote.cli import compare_command, dashboard_command, report_command, store_command
from denote.cli.checks import check
from denote.cli.named_folders import folders_and_keys
from denote.cli.sweeper import register
from denote.reporting.answer.contents import BELIEVE, INTERVENED, QUESTIONS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
EXTRAS = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
HYDRA = ("hydra/", "hydra.")

BLOCKS = {
    path.relative_to(ROOT).as_posix(): [(kind, text) for _, kind, text in BLOCK.findall(path.read_text("utf-8"))]
    for path in PAGES
}
"""Language and text of every block of code, by page."""
README, DEPTH, NETWORK = "README.md", "docs/how-to/depth.md", "docs/how-to/network.md"


def pages_with(language: str) -> list[str]:
    """Pages that have blocks of a language."""
    return [page for page, blocks in BLOCKS.items() if any(kind == language for kind, _ in blocks)]


def test_blocks_say_their_language() -> None:
    assert [page for page, blocks in BLOCKS.items() if any(not kind for kind, _ in blocks)] == []


# Commands


def lines(text: str) -> list[list[str]]:
    """Commands of a block, in words, without comments; a backslash joins lines."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [words for line in joined.splitlines() if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("page", pages_with("bash"))
def test_commands_can_be_typed(page: str) -> None:
    register()
    for kind, text in BLOCKS[page]:
        for command, *arguments in lines(text) if kind == "bash" else ():
            try:
                CHECKS[Path(command).name](arguments)
            except Exception as error:
                raise AssertionError(f"{command} {shlex.join(arguments)}") from error


def _observe(arguments: list[str]) -> None:
    _composes(tuple(arguments))


@cache
def _composes(arguments: tuple[str, ...]) -> None:
    """Compose as a job's start does, each command once; of values that are swept over take the first."""
    if "--config-dir" in arguments:  # files of the page itself: test_extending.py runs these
        return
    values = [word for word in arguments if not word.startswith("-") and word != "job"]
    if "--help" in arguments:
        assert not values
        return
    parsed = OverridesParser.create().parse_overrides([word for word in values if not word.startswith(HYDRA)])
    first = [
        f"{each.input_line.partition('=')[0]}={next(iter(each.sweep_string_iterator()))}"
        if each.is_sweep_override()
        else each.input_line
        for each in parsed
        if each.key_or_group not in ("plan", "verbose")
    ]
    launcher = [word for word in values if word.startswith(HYDRA)]
    check(composed(*first, *launcher))


def _report(arguments: list[str]) -> None:
    folders, _ = folders_and_keys("denote-report", arguments, report_command.KEYS)
    assert len(folders) == 1


def _compare(arguments: list[str]) -> None:
    folders, given = compare_command._told(arguments)
    assert len(folders) >= 2
    assert set(given) <= set(compare_command.KEYS)


def _store(arguments: list[str]) -> None:
    action, *given = arguments
    assert {word.partition("=")[0] for word in given} <= set(store_command.KEYS[action])


def _make(arguments: list[str]) -> None:
    (target,) = [word for word in arguments if "=" not in word]
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


def _install(arguments: list[str]) -> None:
    extras = re.findall(r"\[(.*?)\]", " ".join(arguments))
    assert all(re.search(rf"^{extra} = \[", EXTRAS, re.MULTILINE) for each in extras for extra in each.split(","))


def _script(arguments: list[str]) -> None:
    assert arguments[0] == "-m" or (ROOT / arguments[0]).is_file()


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "denote": _observe,
    "denote-train": _observe,
    "denote-report": _report,
    "denote-store": _store,
    "denote-compare": _compare,
    "denote-sync": lambda arguments: None if len(arguments) == 1 else pytest.fail("takes one folder"),
    "denote-dashboard": lambda arguments: dashboard_command._given(arguments) and None,
    "make": _make,
    "pip": _install,
    "python": _script,
    "python3": _script,
    "experiments.sh": lambda _: None,
    **dict.fromkeys(["source", "wandb", "pre-commit", "eval", "git"], lambda _: None),
}


# Programs


@pytest.fixture(scope="module")
def depth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the page on depth has run, and what it printed; other pages load its sweep."""
    folder = tmp_path_factory.mktemp("depth")
    with contextlib.chdir(folder):
        return folder, run(BLOCKS[DEPTH], {})


def run(blocks: list[tuple[str, str]], names: dict[str, Any]) -> str:
    """Run the blocks of a page as one program; compare what a block prints with the block of text behind it.

    Args:
        blocks: Languages and texts.
        names: What the page takes as given.
    """
    everything = ""
    for place, (kind, text) in enumerate(blocks):
        if kind != "python":
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, f"block {place}", "exec"), names)  # noqa: S102  (what the page says)
        everything += printed.getvalue()
        follows, output = [*blocks, ("", "")][place + 1]
        if follows == "text":
            assert shape(output) in shape(printed.getvalue())
    return everything


def shape(text: str) -> str:
    """Return the first words of every line, without numbers: a small network finds other things on other machines."""
    plain = re.sub(r"[<>]?[-+]?\d*\.?\d+", "0", re.sub(r"[─═]+", "─", text))
    return "\n".join(" ".join(line.split()[:5]) for line in plain.strip().splitlines())


def of_words() -> dict[str, Any]:
    """What the page on text takes as given: a tokenizer, a network, sentences and what is known of them."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    sentences = [["the", "dog", "walked"], ["the", "walkers"]] * 30
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    is_noun = [word in ("dog", "walkers") for words in sentences for word in words]
    names = {"model": BertModel(BertConfig(vocab_size=12, **size)), "sentences": sentences, "is_noun": is_noun}
    encoded = word_pieces()(sentences, is_split_into_words=True, padding=True)
    capital = np.array(encoded["input_ids"]) % 2 == 0
    return {**names, "tokenizer": word_pieces(), "capital": capital}


def of_classes() -> dict[str, Any]:
    """What the pages on own classes and on interventions take as given where they speak of Python."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 4))
    return {"model": model, "inputs": torch.randn(240, 4), "labels": np.arange(240) % 4}


def of_fine_tuning() -> dict[str, Any]:
    """What the page on comparisons takes as given: networks before and after, which differ a little."""
    torch.manual_seed(0)
    inputs, networks = torch.randn(240, 4), []
    for _ in range(3):
        before = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2))
        after = copy.deepcopy(before)
        with torch.no_grad():
            after[0].weight += 0.1 * torch.randn(6, 4)
        networks.append((before, after))
    return {"networks": networks, "inputs": inputs, "odd": (inputs[:, 0] > 0).numpy()}


GIVEN: dict[str, Callable[[], dict[str, Any]]] = {
    "docs/how-to/text.md": of_words,
    "docs/how-to/extending.md": of_classes,
    "docs/how-to/compare.md": of_fine_tuning,
    "docs/how-to/interventions.md": of_classes,
}
SWEEPS = ("demo", "compared", "people", "mine")
"""What pages load from `multirun/`: here the sweep of the page on depth."""
ELSEWHERE = {"docs/worlds.md": "test_planted_job.py", "docs/how-to/devices.md": "test_sharded.py"}
"""Pages whose code another test runs: on results that it makes, or in several processes."""


@pytest.fixture
def here(depth: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sweeps, blank figures, and no network."""
    import datasets

    (tmp_path / "multirun").mkdir()
    for name in SWEEPS:
        (tmp_path / "multirun" / name).symlink_to(depth[0] / "runs" / "depth")
    small = datasets.Dataset.from_dict({"label": [0, 1]})
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: small)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", [page for page in pages_with("python") if page not in (DEPTH, README, *ELSEWHERE)])
def test_code_runs(page: str, here: Path, unpainted: None) -> None:
    run(BLOCKS[page], GIVEN.get(page, dict)())


def test_code_of_the_readme_is_that_of_the_page_on_networks() -> None:
    assert {block for block in BLOCKS[README] if block[0] == "python"} <= set(BLOCKS[NETWORK])


def test_the_readme_shows_the_terminal_as_it_is() -> None:
    """The demo takes minutes; that its answer has this form is held by tests of the terminal."""
    demo = next(text for kind, text in BLOCKS[README] if kind == "text").splitlines()
    assert [line.split()[0] for line in demo if not line.startswith(" ")] == [
        name for name in QUESTIONS if name not in (BELIEVE, INTERVENED)
    ]
    assert len(demo) <= 14
    assert max(map(len, demo)) <= 100


def test_the_tutorial_shows_what_is_said_of_its_table(denote: Command, tmp_path: Path) -> None:
    (kind, program), (_, command), (_, output), *_ = BLOCKS["docs/tutorial.md"]
    assert kind == "python"
    run([(kind, program)], {})
    (words,) = lines(command)
    said = denote(*words[1:]).out
    assert [line.rstrip() for line in said.splitlines()] == output.splitlines()


def test_depth_from_nothing_to_a_verdict(depth: tuple[Path, str]) -> None:
    folder, printed = depth
    verdicts = pl.read_parquet(folder / "runs" / "depth" / "sweep" / "depth_verdicts.parquet")
    assert verdicts.filter(family="subsets")["p_value"].null_count() == 0
    assert "8 networks" in printed
    program = next(text for kind, text in BLOCKS[DEPTH] if kind == "python")
    assert len([line for line in program.splitlines() if line]) <= 25
