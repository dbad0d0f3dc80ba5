"""The three commands. Nothing heavy is imported before it is known to be needed."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.config.levels import LEVELS
from denote.config.trust import Trust
from denote.errors import ConfigError, DenoteError, one_of

if TYPE_CHECKING:
    from hydra.conf import HydraConf
    from omegaconf import DictConfig

    from denote.cli.planning import SweepPlan

Settings = dict[str, Any]
"""A resolved config."""

DONE, BUG, MISTAKE = 0, 1, 2
"""Exit codes. A sweep ends with `BUG` if any job failed and with `MISTAKE` only if nothing could start."""


def main() -> None:
    """Observe: train or load the object model, record states, fit observers, write evidence."""
    sys.exit(_command("denote", sys.argv[1:]))


def train() -> None:
    """Train only the object model."""
    sys.exit(_command("denote-train", sys.argv[1:]))


def report() -> None:
    """Write tables, figures and report again from a sweep's saved evidence."""
    sys.exit(_command("denote-report", sys.argv[1:]))


def _command(command: str, arguments: list[str]) -> int:
    if "--version" in arguments:
        from denote import __version__

        print(f"denote {__version__}")
        return DONE
    if "--help" in arguments or "-h" in arguments:
        from denote.cli.messages import page

        print(page(command, _value_of("--config-dir", arguments)))
        return DONE
    act = _report if command == "denote-report" else _hydra
    return _guarded(lambda: _shown(act, command, arguments))


_SHOWS = ("--cfg", "-c", "--info", "-i", "--hydra-help", "--shell-completion", "-sc")
"""Hydra's flags that print something and run nothing."""


def _shown(act: Callable[[str, list[str]], int], command: str, arguments: list[str]) -> int:
    """Run a command and show its progress, from the first import on; what a file says of it is known only later."""
    from denote.progress import shown
    from denote.progress.surfaces import AUTO, MODES, NONE

    typed = next((value for key, _, value in (each.partition("=") for each in arguments) if key == "progress"), AUTO)
    if any(argument.partition("=")[0] in _SHOWS for argument in arguments):
        typed = NONE
    with shown(typed if typed in MODES else NONE):
        return act(command, arguments)


def _value_of(flag: str, arguments: list[str]) -> str | None:
    for index, argument in enumerate(arguments):
        if argument == flag and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith(f"{flag}="):
            return argument.partition("=")[2]
    return None


def _guarded(action: Callable[[], int]) -> int:
    """Run a command; turn a user's mistake into one line, and leave a bug its traceback."""
    wants_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    try:
        return action()
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return BUG
    except Exception as error:
        mistake = _mistake(error)
        if mistake is None or wants_traceback:
            traceback.print_exc()
            return MISTAKE if mistake is not None else BUG
        print(mistake, file=sys.stderr)
        return MISTAKE


def _mistake(error: Exception) -> DenoteError | None:
    if isinstance(error, DenoteError):
        return error
    if "hydra" not in sys.modules:
        return None
    from denote.cli.messages import as_mistake

    return as_mistake(error, _default_keys())


def _default_keys() -> list[str]:
    """All keys of the default configuration and the options typed, to name the one nearest to a mistyped key."""
    from hydra import compose, initialize_config_module
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    from denote.cli.messages import shipped_options
    from denote.observers.kinds import built_in_probes

    typed = [argument.partition("=")[::2] for argument in sys.argv[1:]]
    groups = ("dataset", "architecture")
    chosen = [f"{group}={name}" for group, name in typed if group in groups and name in shipped_options(group)]
    GlobalHydra.instance().clear()
    with initialize_config_module("denote.conf", version_base="1.3"):
        # With every probe, whichever were chosen: their settings are what is mistyped.
        config = compose("config", [f"probe=[{','.join(built_in_probes())}]", *chosen])
    return _keys_of(OmegaConf.to_container(config))


def _keys_of(node: Any, prefix: str = "") -> list[str]:
    """Return the keys of a mapping and of all mappings in it, such as ``split`` and ``split.seed``."""
    inner = node.items() if isinstance(node, dict) else ()
    return [key for name, value in inner for key in (f"{prefix}{name}", *_keys_of(value, f"{prefix}{name}."))]


def _hydra(command: str, arguments: list[str]) -> int:
    """Hand over to Hydra, and take the sweep back from it for the merge and the exit code."""
    # Without this Hydra swallows the exception and prints its own shortened one.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    # Threads that spin while they wait make small products ten times slower where jobs share the processor.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if "--cfg" in arguments:
        gc.disable()  # composing makes many small objects and the process ends with it: nothing is worth collecting
    if any(argument.startswith("--experimental-rerun") for argument in arguments):
        raise ConfigError("--experimental-rerun", "is refused", "it would unpickle a file, which can run code")
    _check_level(arguments)
    typed = [command, *arguments]
    trust, arguments = Trust.typed(arguments)
    trust.grant()
    import hydra

    from denote.cli import sweeper
    from denote.cli.build import register_resolvers
    from denote.cli.hydra_private import using_loader
    from denote.cli.hydra_settings import CheckingLoader

    register_resolvers()
    sweeper.register()
    task: Callable[[Settings], None] = _observe
    if command == "denote-train":
        task, arguments = _train, _with_overrides(arguments, _TRAIN_OVERRIDES)
    if "--layers" in arguments:
        rest = [argument for argument in arguments if argument != "--layers"]
        task, arguments = _layers, _with_overrides(rest, _LAYERS_OVERRIDES)
    sweeper.PlannedSweeper.plan = None
    _mistakes.clear()
    sys.argv = [command, *arguments]
    interrupted = False
    try:
        with using_loader(CheckingLoader):
            hydra.main(version_base="1.3", config_path="pkg://denote.conf", config_name="config")(Task(task, trust))()
    except KeyboardInterrupt:
        if _plan() is None:
            raise
        interrupted = True
    except SystemExit as stop:
        if stop.code not in (0, None):
            return int(stop.code) if isinstance(stop.code, int) else BUG
    if _mistakes:
        raise _mistakes[0]
    plan = _plan()
    if plan is None or task is not _observe:
        return DONE
    return _finish(plan, " ".join(typed), interrupted=interrupted)


def _check_level(arguments: list[str]) -> None:
    """Refuse the name of a level without its settings: tables would say what was not made."""
    for argument in arguments:
        key, _, value = argument.lstrip("+~").partition("=")
        if key == "evidence.level":
            levels = [f"evidence={level}" for level in LEVELS]
            problem = f"names {value or 'a level'} alone, without what it sets"
            raise ConfigError(key, problem, one_of(f"evidence={value}", levels))


def _plan() -> SweepPlan | None:
    """The plan of the sweep that Hydra ran, if it ran one."""
    from denote.cli.sweeper import PlannedSweeper

    return PlannedSweeper.plan


_mistakes: list[DenoteError] = []


@dataclass(frozen=True)
class Task:
    """What Hydra runs, in this process or in one of a launcher's.

    It keeps a user's mistake until Hydra has returned, as Hydra would print lines of its own around it. In another
    process it arrives with what the user trusts, before Hydra names the job's folder there.

    Attributes:
        run: What to do with the resolved settings.
        trust: What was typed; it never stands in the config.
        is_checked: True where the sweep has checked the settings of every job.
    """

    run: Callable[[Settings], None]
    trust: Trust
    is_checked: bool = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in a process that a launcher started."""
        vars(self).update(state)
        from denote.cli.build import register_resolvers

        register_resolvers()
        self.trust.grant()

    def __call__(self, config: DictConfig) -> None:
        """Run, and keep a mistake."""
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        from denote.cli.build import plain
        from denote.cli.checks import check
        from denote.progress import advance, discount, shown

        hydra = HydraConfig.get()
        try:
            settings = plain(config)
            if not self.is_checked:
                check(settings)
            name = f"job #{hydra.job.num}" if hydra.mode == RunMode.MULTIRUN else ""
            with shown(settings["progress"], beside=name):
                self.run(settings)
        except DenoteError as mistake:
            discount()
            _mistakes.append(mistake)
            _leave_nothing(hydra)
        finally:
            advance()  # of a sweep, where there is one


def _with_overrides(arguments: list[str], overrides: list[str]) -> list[str]:
    """Arguments with further overrides beside the user's own: Hydra reads overrides in one row only."""
    places = [place for place, argument in enumerate(arguments) if "=" in argument and not argument.startswith("-")]
    first = places[0] if places else len(arguments)
    return [*arguments[:first], *overrides, *arguments[first:]]


_HYDRAS = ("config.yaml", "hydra.yaml", "overrides.yaml")
"""What Hydra writes of a job before it begins."""


def _leave_nothing(hydra: HydraConf) -> None:
    """Remove what Hydra wrote for a job that did not come to be, and the folders that are empty then.

    Nothing else: the folder may be one that the user works in (``hydra.run.dir=.``).
    """
    folder = Path(hydra.runtime.output_dir)
    if (folder / "run.json").exists() or hydra.output_subdir is None:
        return
    record = folder / hydra.output_subdir
    for file in (*(record / name for name in _HYDRAS), folder / f"{hydra.job.name}.log"):
        file.unlink(missing_ok=True)
    for place in (record, folder, *list(folder.parents)[:2]):
        if place.resolve() == Path.cwd() or not place.is_dir() or any(place.iterdir()):
            return
        place.rmdir()


_NO_RECORD = ["hydra.output_subdir=null", "hydra/job_logging=stdout"]
_TO_STORE = ["hydra.run.dir=${store.path}", "hydra.sweep.dir=${store.path}", "hydra.sweep.subdir=."]
_TRAIN_OVERRIDES = ["hydra.job.name=denote-train", *_NO_RECORD, *_TO_STORE]
_LAYERS_OVERRIDES = ["hydra.job.name=denote-layers", *_NO_RECORD, "hydra.run.dir=.", "hydra.mode=RUN"]


def _observe(settings: Settings) -> None:
    """One job: its results in its folder; in a sweep its failure stays in its record."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from denote.cli import build
    from denote.config.figure_settings import FigureSettings
    from denote.runs.recorded import run_recorded

    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    in_sweep = hydra.mode == RunMode.MULTIRUN
    overrides = list(hydra.overrides.task)
    run_recorded(settings, folder, lambda: build.job(settings, folder.parent), overrides=overrides, in_sweep=in_sweep)
    if not in_sweep:
        from denote.runs.single import show_job

        show_job(folder, FigureSettings.of(settings))


def _train(settings: Settings) -> None:
    from denote.cli import build
    from denote.numbers import proportion
    from denote.progress import hide

    job = build.job(settings, Path(settings["store"]["path"]))
    job.data.setup()
    spec = job.model_spec()
    accuracy, remark = job.accuracy(job.obtain(spec))
    score = remark if accuracy is None else f"test accuracy {proportion(accuracy, 3)}"
    hide()
    print(f"{job.architecture_id(spec)} seed {spec.seed}: object_model {spec.key}, {score}")
    if remark and accuracy is not None:
        print(remark, file=sys.stderr)


def _layers(settings: Settings) -> None:
    from denote.cli import build
    from denote.reporting.terminal import print_layers

    job = build.job(settings, Path(settings["store"]["path"]))
    job.data.setup()
    spec = job.model_spec()
    print_layers(job.architecture_id(spec), job.listing(spec))


def _finish(plan: SweepPlan, command: str, *, interrupted: bool) -> int:
    """Merge what is finished, print what was found, and say by the exit code whether all went well."""
    from denote.config.figure_settings import FigureSettings
    from denote.runs.sweep import close_sweep

    if plan.jobs and len(plan.having("refused")) == len(plan.jobs):
        raise ConfigError("sweep", f"none of {len(plan.jobs)} jobs could start", plan.jobs[0].reason)
    refused = {job.folder.name: job.reason for job in plan.having("refused")}
    expected = [job.folder for job in plan.jobs if job.status != "refused"]
    skipped = [job.folder for job in plan.having("skip")]
    figures = next((FigureSettings.of(job.settings) for job in plan.jobs if job.settings), None)
    outcome = close_sweep(
        plan.folder, expected, refused, skipped=skipped, interrupted=interrupted, command=command, figures=figures
    )
    return BUG if interrupted or outcome.unsuccessful else DONE


_REPORT_KEYS = ("sweep", "figures", "figure_formats", "progress")


def _report(command: str, arguments: list[str]) -> int:
    from denote.cli.messages import USAGE

    given = dict(argument.partition("=")[::2] for argument in arguments)
    allowed = f"allowed: {USAGE[command]}"
    for key in given:
        if key not in _REPORT_KEYS:
            raise ConfigError(key, "no such key", allowed)
    if not given.get("sweep"):
        raise ConfigError("sweep", "has no value", allowed)
    from denote.runs.record import RECORD
    from denote.runs.single import report_job
    from denote.runs.sweep import report_sweep

    folder = Path(given["sweep"])
    (report_job if (folder / RECORD).is_file() else report_sweep)(folder, _figures_asked(given))
    return DONE


def _figures_asked(given: dict[str, str]) -> Settings:
    """Return what is said of figures; see `FigureSettings`."""
    from denote.config import settings

    asked: dict[str, Any] = {key: given[key] for key in ("figures", "progress") if key in given}
    if "figure_formats" in given:
        names = given["figure_formats"].strip().removeprefix("[").removesuffix("]")
        asked["figure_formats"] = [name.strip() for name in names.split(",") if name.strip()]
    settings.check_values(settings.Settings, asked, str)
    return asked
