"""The list of mutations cannot go stale: its lines are those of the sources, its tests are there."""

from __future__ import annotations

import pytest
from mutations import MUTATIONS, ROOT, Mutation, broken, main

SOURCES = ROOT / "src" / "denote"
TOP = {"streams.py", "files.py"}
PACKAGES = {
    "attributes", "config", "data", "denotation/depth", "denotation/judging", "denotation/search", "evidence",
    "evidence/controls", "figures", "kernels", "object_models", "observation", "observers", "observers/solvers",
    "reporting", "runs", "states",
}  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.file}:{mutation.line[:30]}")
def test_a_mutation_breaks_one_line_that_is_there_and_names_tests_that_are(mutation: Mutation) -> None:
    text = (SOURCES / mutation.file).read_text(encoding="utf-8")
    mutated = broken(text, mutation)
    differing = [new for old, new in zip(text.split("\n"), mutated.split("\n"), strict=True) if old != new]
    assert [line.strip() for line in differing] == [mutation.replacement]
    compile(mutated, mutation.file, "exec")
    assert mutation.tests
    assert all((ROOT / "tests" / test).is_file() for test in mutation.tests)


def test_a_line_that_is_gone_or_comes_twice_is_refused() -> None:
    mutation = Mutation("a.py", "x = 1", "x = 2", (), "")
    assert broken("if y:\n    x = 1\n", mutation) == "if y:\n    x = 2\n"
    for text in ("x = 3\n", "x = 1\nx = 1\n"):
        with pytest.raises(ValueError, match=r"a\.py has [02] lines that read: x = 1"):
            broken(text, mutation)


def test_every_package_has_one() -> None:
    files = {mutation.file for mutation in MUTATIONS}
    assert {file.rpartition("/")[0] for file in files} == PACKAGES | {""}
    assert files >= TOP


def test_the_table_tells_what_is_broken_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    said = capsys.readouterr().out
    for mutation in MUTATIONS:
        assert mutation.line in said
        assert mutation.why in said
