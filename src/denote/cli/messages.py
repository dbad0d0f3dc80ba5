"""What a user is told: the help page, and complaints of Hydra and OmegaConf as one line each."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from denote.cli.option_keys import KnownKeys, shipped_options
from denote.cli.options import GROUPS, no_option
from denote.cli.several_values import several_values
from denote.config.trust import CODE_DIR, TRUSTED
from denote.errors import ConfigError, DenoteError

_MISSING_OPTION = re.compile(r"Could not (?:find|load) '(?P<option>[^']+)'")
_AVAILABLE = re.compile(r"Available options in '[^']*':\s*(?P<options>.*?)(?:\n\s*Config search path:|\Z)", re.DOTALL)
_NO_GROUP = re.compile(r"Could not override '(?P<key>[^']+)'\.")
_NOT_MERGED = re.compile(r"Error merging override (?P<key>[^=\s]+)=(?P<value>.*)")
_SAID_OF_ARGUMENTS = ("--multirun", "--resolve", "Config group override must be")
"""Words of the complaints about arguments that Hydra raises as plain `ValueError`."""
_GRAMMAR = re.compile(r"Error parsing override '(?P<override>.*)'\s*(?P<why>.*)", re.DOTALL)


def as_mistake(error: BaseException) -> DenoteError | None:
    """The user's mistake behind an exception of Hydra or OmegaConf, or None where it is no such thing.

    Args:
        error: What came out of Hydra.
    """
    from hydra.errors import HydraException, OverrideParseException
    from omegaconf.errors import OmegaConfBaseException

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, DenoteError):
            return seen
        # OmegaConf raises anew what came out of a resolver.
        seen = seen.__cause__ or (seen.__context__ if isinstance(seen, OmegaConfBaseException) else None)
    text = str(error).strip()
    if isinstance(error, OverrideParseException):
        return _grammar(str(error.override), text)
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        known = several_values(text) or _missing_option(text) or _unknown_key(error, text)
        return known or ConfigError("config", _line(text))
    if isinstance(error, ValueError) and any(words in text for words in _SAID_OF_ARGUMENTS):
        return ConfigError("command line", _line(text))
    return None


def _line(text: str) -> str:
    return " ".join(part.strip() for part in text.splitlines() if part.strip())


def _grammar(override: str, text: str) -> DenoteError:
    match = _GRAMMAR.search(text)
    why = _line((match["why"] if match else text).split("See https")[0])
    allowed = """allowed: KEY=VALUE, a text with other signs in quotes of its own, as 'sweep_name="run #3"'"""
    if override.startswith(("attribute.where", "+attribute.where")):
        allowed = """allowed: an expression in quotes inside the shell's: 'attribute.where="class IN (0, 6)"'"""
    elif "[" in override or "{" in override:
        allowed = """allowed: brackets, braces, commas and spaces inside a name need quotes: 'layer.select="[0-3]"'"""
    elif f"denote-{override}" in USAGE:
        allowed = f"allowed: KEY=VALUE; a command of its own is denote-{override}"
    return ConfigError(override, f"the override cannot be read{f' ({why})' if why else ''}", allowed)


def _missing_option(text: str) -> DenoteError | None:
    match = _MISSING_OPTION.search(text)
    if match is None:
        return None
    group, _, option = match["option"].rpartition("/")
    available = _AVAILABLE.search(text)
    options = available["options"].split() if available else shipped_options(group)
    return no_option(group, option, options) if group else ConfigError(option, "there is no such config")


def _unknown_key(error: BaseException, text: str) -> DenoteError | None:
    if (unmerged := _NOT_MERGED.search(text)) is not None:
        came = f"{unmerged['value']} is not possible"
        return ConfigError(
            unmerged["key"].lstrip("+"), came, f"allowed: settings by name, {unmerged['key']}.NAME=VALUE"
        )
    match = _NO_GROUP.search(text)
    key = match["key"] if match else getattr(error, "full_key", None)
    if not key:
        return None
    if match is None and "not in struct" not in text and "not found" not in text.lower():
        return ConfigError(str(key), _line(text.splitlines()[0]))
    if str(key).lstrip("+~") in (CODE_DIR, TRUSTED):
        allowed = f"on the command line only, as {key}=VALUE, never in a config or a sweep's parameters"
        return ConfigError(str(key), "is no key of a config", allowed)
    return ConfigError(str(key), *KnownKeys.of_command_line().problem(str(key)))


USAGE = {
    "denote": """\
denote observes a network: it trains or loads the object model, records its states, fits observers and writes the
evidence. With -m it does so for every combination of comma-separated values and merges them.

  denote                                            one job, into multirun/single/
  denote -m layer.select=0,1,2 attribute=odd,prime seed=0,1
  denote experiment=demo                            a ready-made sweep
  denote --layers architecture=convnet              list the layers, train nothing
  denote-train architecture.width=128               only the object model
  denote-report multirun/NAME                       tables, figures and report from saved evidence
  denote-compare multirun/A multirun/B              in what two sweeps differ
  denote-sync multirun/NAME                         send what was kept offline to Weights & Biases
  denote-dashboard project=NAME                     a view and a report there
  denote-store list                                 what is kept on disk; verify, prune""",
    "denote-train": """\
denote-train trains the object model of a configuration into the store and does nothing else. -m trains one for each
combination of comma-separated values.

  denote-train architecture=convnet seed=3
  denote-train -m architecture.width=64,128 seed=0,1""",
    "denote-report": """\
denote-report writes tables, figures and report of a sweep or a job again from saved evidence, or what a paper needs.

  denote-report multirun/NAME                       tables, figures and report.html; also sweep=multirun/NAME
  denote-report multirun/NAME 'format=[pdf,latex]'  figures, tables and methods.md for a paper

Keys
  format=[html,pdf,svg,latex,markdown]   html is the page, the others are for a paper; by default html
  paper_width=3.3              inches of a figure on paper; 6.75 is both columns
  paper_epochs=last|all        epochs of networks that layers, tests and verdicts on paper are told of
  figures=sweep|all|none       draw for the sweep, for every job, too, or nothing anew
  figure_formats=[png,svg,pdf] kinds of files, added to those that are there
  figure_scale=layer|shared    colours of relevance maps: every layer against its own largest value, or all against one
  figure_style=light|dark      ink on white, or light ink on a dark ground
  figure_networks=4            most networks of a sweep with relevance maps, atlases and examples of their own
  report.per_job=true          a report for every job, too
  verbose=true                 every table and sentence behind the answer, too
  progress=auto|bar|log|none""",
    "denote-store": """\
denote-store looks after what sweeps keep on disk: trained networks and recorded states, all of which can be made again.

  denote-store list                                 what is there, its size, and the jobs that use it
  denote-store verify [sweep=multirun/NAME]         read everything, name what is damaged; exit code 1 if anything is
  denote-store prune                                show what can be removed, and ask; nothing that is in use

Keys
  path=multirun/.store       the store
  multirun=FOLDER            the sweeps that use it (list, prune); by default the folder that .store lies in
  sweep=multirun/NAME        also verify this sweep's jobs and merged results
  unused=true                also prune networks and states that no finished job of these sweeps names
  older_than=30              prune only what was last written more than so many days ago
  yes=true                   prune without asking
  progress=auto|bar|log|none""",
    "denote-compare": """\
denote-compare says in what results differ from the first of them: settings, what observers read, what neurons denote.

  denote-compare multirun/mlp multirun/convnet      two sweeps
  denote-compare A B C [to=FOLDER]                  B and C, each with A; sweeps, jobs or saved observations

Networks of one initialisation are compared pair by pair, others by Welch's t-test, and fewer than three over test
rows only. Where B cannot be compared, C still is: the exit code is then 1, and a line says why.

Keys
  to=FOLDER                  where compare.html and compare.parquet go; by default multirun/compare/A-B, with
                             a digest of their paths where A or B lie elsewhere than in multirun/
  pair=auto|seed|none        pair networks that share an initialisation, or a seed whatever made them, or none
  logger=[wandb,csv]         also make a run of it: wandb, csv, tensorboard, mlflow, trackio or a list; by default none
  progress=auto|bar|log|none""",
    "denote-sync": """\
denote-sync sends the runs of a sweep that were kept offline to Weights & Biases, each once.

  denote-sync multirun/NAME      send what is not sent yet; the exit code is 1 if some of it was not taken
  denote-sync sweep=multirun/NAME    likewise

Keys
  progress=auto|bar|log|none""",
    "denote-dashboard": """\
denote-dashboard makes a saved view and a report in Weights & Biases of what runs have logged. The same command again
updates both. It needs the extra dashboard and a key.

  denote-dashboard project=NAME              of all runs of a project
  denote-dashboard multirun/NAME             of the runs of one sweep, or sweep=multirun/NAME

Keys
  project=NAME           W&B project; of a sweep by default that of its jobs
  entity=NAME            W&B team or user; else that of the sweep's jobs, else WANDB_ENTITY, else your own
  sweep=multirun/NAME    only the runs of this sweep
  progress=auto|bar|log|none""",
}

FLAGS = """\
Flags
  -m, --multirun       one job for every combination of comma-separated values
  --layers             list depth, name, shape and neurons of each layer, then stop
  --cfg job            print the composed configuration, then stop
  --config-dir DIR     a folder with further options of your own
  code_dir=DIR         a folder whose modules these options may name classes of: docs/how-to/extending.md
  trusted_targets=[P]  installed packages whose classes they may name; like code_dir, on the command line only
  --version, --help    this tool's version, this page; --hydra-help for Hydra's own flags
  -sc install=SHELL    tab completion: eval "$(denote -sc install=bash)"  (bash, zsh or fish)"""


KEYS = """\
Keys that are no group
  evidence.*           the rule's thresholds, permutations, rivals, curves: evidence/standard.yaml explains each
  analysis.family=NAME the family whose tests of depth are planned; without it they are exploratory
  split.group=COLUMN   rows that share a value of this column of the attribute table stay in one part
  on_existing=skip|redo|fail   what to do with a finished job whose settings are the same
  plan=true            with or without -m: tell jobs, trainings, disk, time and what cannot be said; run nothing
  figures=sweep|all|none       draw for a sweep and a single job, for every job of a sweep, too, or nothing anew
  figure_formats=[png,svg,pdf] kinds of files of figures, added to those that are there
  report.inputs=true|false     store and show inputs (pictures, rows, words) beside neurons, or none of them
  report.per_job=true|false    write a report for every job of a sweep, too
  verbose=true         after a run, every table and sentence behind the answer, too
  figure_scale=layer|shared    colours of relevance maps: every layer against its own largest value, or all against one
  figure_style=light|dark      ink on white, or light ink on a dark ground
  paper_width=3.3      inches of a figure on paper: denote-report multirun/NAME format=[pdf,latex]
  figure_networks=4    most networks of a sweep with relevance maps, atlases and examples of their own
  tags=[WORD,WORD]     labels of the runs in W&B
  logger.per_job=true|false    track a run for every job and network, or only those of the sweep and its curves
  progress=auto|bar|log|none   a line in a terminal and else log lines, on standard error; or nothing"""


def page(command: str, config_dir: str | None = None) -> str:
    """Return the help page of a command, with the options in ``conf/`` and in the user's own folder."""
    if command not in ("denote", "denote-train"):
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
            "Groups (GROUP=OPTION; attribute, probe, control and intervention take lists: probe=[linear,neuron])\n"
            + "\n".join(groups),
            KEYS,
            FLAGS,
            "Every key has a comment with its unit in the YAML files of denote.conf; any key can be set: KEY=VALUE.",
        ]
    )
