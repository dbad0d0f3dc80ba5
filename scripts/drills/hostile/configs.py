"""Config files: experiments of a folder that somebody sent."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hostile.case import CANARY, FAST, Case

GLOBAL = "# @package _global_\n"
_TOUCH = f"touch {CANARY}"


def experiment(name: str, text: str | bytes, *more: str, says: str = "", ends: str = "2", plain: bool = False) -> Case:
    """Return the case of ``experiment=x`` with the text of its file; ``plain`` leaves out the head that all have."""
    head = b"" if plain else GLOBAL.encode()
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return _case(name, lambda folder: _write(folder, "experiment/x.yaml", head + content), more, says, ends)


def _case(name: str, make: Callable[[Path], None], more: tuple[str, ...] = (), says: str = "", ends: str = "2") -> Case:
    arguments = (*more, "--config-dir", "sent", *FAST, "experiment=x")
    return Case(name, arguments, make, codes=tuple(map(int, ends.split())), says=(says,) if says else ())


def _write(folder: Path, name: str, content: bytes) -> None:
    file = folder / "sent" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _linked(target: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "sent/experiment").mkdir(parents=True)
        (folder / "sent/experiment/x.yaml").symlink_to(target)

    return make


def _fifo(folder: Path) -> None:
    (folder / "sent/experiment").mkdir(parents=True)
    os.mkfifo(folder / "sent/experiment/x.yaml")


def _mutual(folder: Path) -> None:
    _write(folder, "experiment/x.yaml", b"defaults: [/experiment: y]\n")
    _write(folder, "experiment/y.yaml", b"defaults: [/experiment: x]\n")


def _chain(folder: Path) -> None:
    for number in range(1500):
        following = f"defaults: [c{number + 1}]\n" if number < 1499 else "seed: 1\n"
        _write(folder, f"experiment/{'x' if number == 0 else f'c{number}'}.yaml", following.encode())


def _primary(folder: Path) -> None:
    _write(folder, "config.yaml", b"hydra:\n  searchpath: ['pkg://antigravity']\n")


def _bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines) + f"\ntags: *a{levels - 1}\n"


def _doubling(levels: int) -> str:
    lines = [f"a{i + 1}: &a{i + 1} {{p: *a{i}, q: *a{i}}}" for i in range(levels)]
    return "\n".join(["a0: &a0 {b: 1}", *lines, ""])


def _interpolating(levels: int) -> str:
    lines = [f"t{i + 1}: '{9 * f'${{t{i}}}'}'" for i in range(levels)]
    return "\n".join(["t0: x", *lines, f"sweep_name: ${{t{levels}}}", ""])


CASES = [
    experiment("!!python/object/apply", f"tags: !!python/object/apply:os.system ['{_TOUCH}']\n", says="x.yaml"),
    experiment("!!python/object/new", f"tags: !!python/object/new:os.system ['{_TOUCH}']\n", says="x.yaml"),
    experiment("!!python/name", "tags: !!python/name:os.system\n", says="x.yaml"),
    experiment("!!python/module", "tags: !!python/module:antigravity\n", says="x.yaml"),
    experiment("unknown tag", "tags: !evil [a]\n", says="x.yaml"),
    experiment("!!int of a word", "seed: !!int word\n", says="x.yaml"),
    experiment("billion laughs", _bomb(12), says="x.yaml"),
    experiment("laughs as merge keys", _doubling(30), says="x.yaml"),
    experiment("alias to itself", "tags: &a [*a]\n", says="x.yaml"),
    experiment("5,000 brackets", "tags: " + "[" * 5000 + "]" * 5000 + "\n", says="x.yaml"),
    experiment("2,000 levels of blocks", "".join(" " * i + f"k{i}:\n" for i in range(2000)), says="x.yaml"),
    experiment("never closed", "tags: [a, b\n", says="x.yaml"),
    experiment("invalid UTF-8", b"tags: [\xff\xfe]\n", says="x.yaml"),
    experiment("NUL bytes", b"tags: [a\x00b]\n", says="x.yaml"),
    experiment("binary file", os.urandom(4096), says="x.yaml"),
    experiment("20 MB of YAML", "tags: [" + "a, " * 7_000_000 + "a]\n", says="x.yaml"),
    experiment("integer of 5,000 digits in YAML", f"seed: {'1' * 5000}\n", says="x.yaml"),
    experiment("integer of 23 digits in YAML", f"seed: {'1' * 23}\n", says="seed"),
    experiment("infinity in YAML", "trainer: {lr: .inf}\n", says="trainer.lr"),
    experiment("date as seed", "seed: 2020-01-01\n", says="seed"),
    experiment("a list at the top", "- a\n- b\n", says="x"),
    experiment("a word at the top", "word\n", says="x"),
    experiment("a word at the top, no package", "word\n", plain=True, says="x"),
    experiment("keys twice", "seed: 1\nseed: 2\n", says="x.yaml"),
    experiment("a list as key", "? [a, b]\n: 1\n", says="x.yaml"),
    experiment("a mapping as key", "? {a: b}\n: 1\n", says="x.yaml"),
    experiment("null and numbers as keys", "null: 1\n3: 2\n"),
    experiment("two documents", "seed: 1\n---\nseed: 2\n", says="x.yaml"),
    experiment("includes itself", "defaults: [x]\n", plain=True, says="x"),
    experiment("includes its group", "defaults: [/experiment: x]\n", plain=True, says="x"),
    experiment("overrides itself", "defaults: [override /experiment: x]\n", plain=True, says="x"),
    experiment("defaults that are a number", "defaults: 3\n", says="x"),
    experiment("defaults of mappings of mappings", "defaults: [{a: {b: c}}]\n"),
    experiment("defaults of lists of lists", "defaults: [[[a]]]\n"),
    experiment("defaults that interpolate", "defaults: [/dataset: '${seed}${seed}']\n"),
    experiment("defaults that leave the folder", "defaults: [../../../../etc/passwd]\n"),
    _case("files include each other", _mutual, says="x"),
    _case("1,500 files in a chain", _chain, says="x"),
    _case("experiment is a link to /dev/zero", _linked("/dev/zero"), says="experiment=x"),
    _case("experiment is a link to itself", _linked("x.yaml"), says="experiment=x"),
    _case("experiment is a FIFO", _fifo, says="experiment=x"),
    _case("experiment is a folder", lambda folder: (folder / "sent/experiment/x.yaml").mkdir(parents=True), says="x"),
    Case(
        "the folder of configs is a file",
        ("--config-dir", "sent", *FAST, "experiment=x"),
        lambda folder: (folder / "sent").touch(),
    ),
    Case("search path imports a package", ("--config-path", "{here}/sent", "--config-name", "config"), _primary),
    experiment(
        "_target_ os.system as dataset", f"dataset: {{_target_: os.system, command: {_TOUCH}}}\n", says="dataset"
    ),
    experiment("_target_ by a merge key", f"d: &d {{_target_: os.system, command: {_TOUCH}}}\ndataset: {{<<: *d}}\n"),
    experiment("_target_ of eval", "architecture: {_target_: builtins.eval}\n", says="architecture._target_"),
    experiment("_target_ nested", f"dataset: {{x: {{_target_: os.system, command: {_TOUCH}}}}}\n", says="dataset"),
    experiment("_target_ of torch.load", "architecture: {_target_: torch.load, f: x}\n", says="architecture._target_"),
    experiment("_target_ with a newline", 'architecture: {_target_: "torch.load\\nx"}\n', says="architecture._target_"),
    experiment("_target_ that is a list", "architecture: {_target_: [torch, load]}\n", says="architecture._target_"),
    experiment(
        "_target_ of 100,000 dots", f"architecture: {{_target_: 'torch{'.a' * 100_000}'}}\n", says="architecture"
    ),
    experiment("a callback", f"hydra: {{callbacks: {{a: {{_target_: os.system, command: {_TOUCH}}}}}}}\n"),
    experiment("a launcher's target", f"hydra: {{launcher: {{_target_: os.system, command: {_TOUCH}}}}}\n", "-m"),
    experiment(
        "a logger's class", f"hydra: {{job_logging: {{handlers: {{a: {{(): os.system, command: {_TOUCH}}}}}}}}}\n"
    ),
    experiment("a log elsewhere", "hydra: {job_logging: {handlers: {file: {filename: ../stolen.log}}}}\n"),
    experiment(
        "hydra.output_subdir elsewhere", "hydra: {output_subdir: ../../../stolen}\n", says="hydra.output_subdir"
    ),
    experiment("hydra.job.name is a path", "hydra: {job: {name: ../stolen}}\n", says="hydra.job.name"),
    experiment("environment of a preload", "hydra: {job: {env_set: {LD_PRELOAD: evil.so}}}\n", says="LD_PRELOAD"),
    experiment("code_dir in a file", "code_dir: .\n", says="code_dir"),
    experiment("environment in tags", "tags: ['${oc.env:SECRET}']\n", says="tags"),
    experiment("environment in an attribute", "attribute: {where: \"class = '${oc.env:SECRET}'\"}\n", says="attribute"),
    experiment("environment in sweep_name", "sweep_name: ${oc.env:SECRET}\n", says="sweep_name"),
    experiment("environment decoded", "seed: ${oc.decode:${oc.env:SEED}}\n", says="seed"),
    experiment("environment as a key", "attribute: {where: {'${oc.env:SECRET}': 'class = 1'}}\n", ends="0 2"),
    experiment("environment in store.path", "store: {path: 'multirun/${oc.env:SECRET}'}\n", ends="0"),
    experiment("environment with a default", "seed: ${oc.decode:${oc.env:NOT_THERE,3}}\n", ends="0"),
    experiment(
        "environment through another key", "store: {path: 'a/${oc.env:SECRET}'}\ntags: ['${store.path}']\n", says="tags"
    ),
    experiment("environment in logger.project", "logger: {project: '${oc.env:SECRET}'}\n", says="logger.project"),
    experiment("a resolver that is none", "tags: ['${evil:x}']\n"),
    experiment("a value of itself", "seed: ${seed}\n"),
    experiment("values of each other", "seed: ${probe_seed}\nprobe_seed: ${seed}\n"),
    experiment("1,000 nested interpolations", f"tags: ['{'${' * 1000}seed{'}' * 1000}']\n"),
    experiment("a broken interpolation", "tags: ['${']\n"),
    experiment("laughs by interpolation", _interpolating(12)),
    experiment("a billion jobs", "hydra: {mode: MULTIRUN, sweeper: {params: {seed: 'range(0,1000000000)'}}}\n"),
    experiment(
        "jobs as a product",
        "hydra: {mode: MULTIRUN, sweeper: {params: {"
        + ", ".join(f"{key}: 'range(0,1000)'" for key in ("seed", "probe_seed", "split.seed", "evidence.rivals"))
        + "}}}\n",
    ),
    experiment(
        "a sweep's value of 1,000 brackets",
        "hydra: {mode: MULTIRUN, sweeper: {params: {tags: '" + "[" * 1000 + "]" * 1000 + "'}}}\n",
    ),
    experiment("sweep_name leaves multirun", "sweep_name: ../../stolen\n", "-m", says="sweep_name"),
    experiment("escape sequence in a tag's neighbour", 'device: "\\e[2Jcpu"\n', says="device"),
]
