"""``denote --help``: read off ``conf/`` without loading Hydra, so that it answers at once."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from denote.cli.mistakes import GROUPS

USAGE = {
    "denote": """\
denote observes a network: it trains or loads the object model, records its states, fits observers and writes the
evidence. With -m it does so for every combination of comma-separated values and merges them.

  denote                                            one job, into multirun/single/
  denote -m layer.select=0,1,2 attribute=odd,prime seed=0,1
  denote experiment=demo                            a ready-made sweep
  denote --layers architecture=convnet              list the layers, train nothing
  denote-train architecture.width=128               only the object model
  denote-report sweep=multirun/NAME                 tables, figures and report from saved evidence""",
    "denote-train": """\
denote-train trains the object model of a configuration into the store and does nothing else. -m trains one for each
combination of comma-separated values.

  denote-train architecture=convnet seed=3
  denote-train -m architecture.width=64,128 seed=0,1""",
    "denote-report": (
        "denote-report sweep=multirun/NAME: write the sweep's tables, figures and report again from saved evidence"
    ),
}

FLAGS = """\
Flags
  -m, --multirun       one job for every combination of comma-separated values
  --layers             list depth, name, shape and neurons of each layer, then stop
  --cfg job            print the composed configuration, then stop
  --config-dir DIR     a folder with further options of your own
  code_dir=DIR         a folder whose modules these options may name classes of: docs/extending.md
  trusted_targets=[P]  installed packages whose classes they may name; like code_dir, on the command line only
  --version, --help    this tool's version, this page; --hydra-help for Hydra's own flags
  -sc install=SHELL    tab completion: eval "$(denote -sc install=bash)"  (bash, zsh or fish)"""


KEYS = """\
Keys that are no group
  evidence.*           the rule's thresholds, permutations, rivals, curves: config.yaml of denote.conf explains each
  analysis.family=NAME the family whose tests of depth are planned; without it they are exploratory
  split.group=COLUMN   rows that share a value of this column of the attribute table stay in one part
  on_existing=skip|redo|fail   what to do with a finished job whose settings are the same"""


def page(command: str, config_dir: str | None = None) -> str:
    """Return the help page of a command, with the options in ``conf/`` and in the user's own folder."""
    if command == "denote-report":
        return USAGE[command]
    folders = [Path(str(resources.files("denote.conf")))]
    if config_dir:
        folders.append(Path(config_dir))
    groups = []
    for group in GROUPS:
        options = sorted({path.stem for folder in folders for path in (folder / group).glob("*.yaml")})
        groups.append(f"  {group:<13}{', '.join(options)}")
    return "\n\n".join(
        [
            USAGE[command],
            "Groups (GROUP=OPTION; attribute, probe and control take lists: probe=[linear,neuron])\n"
            + "\n".join(groups),
            KEYS,
            FLAGS,
            "Every key has a comment with its unit in the YAML files of denote.conf; any key can be set: KEY=VALUE.",
        ]
    )
