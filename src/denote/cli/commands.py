"""The commands. Nothing heavy is imported before it is known to be needed."""

from __future__ import annotations

import gc
import logging
import os
import shlex
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.cli.unread import discard_unwritten, is_unread, write_out
from denote.cli.written import check_written
from denote.config.levels import LEVELS
from denote.config.trust import Trust
from denote.errors import ConfigError, DenoteError, no_space, one_of
from denote.files import mistaken_place
from denote.stops import stopped_by_signals

if TYPE_CHECKING:
    from denote.cli.planning import SweepPlan
    from denote.runs.attempts import Attempt

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


def store() -> None:
    """List, verify and prune what sweeps keep on disk."""
    sys.exit(_command("denote-store", sys.argv[1:]))


def compare() -> None:
    """Compare sweeps, jobs or saved observations with the first of them."""
    sys.exit(_command("denote-compare", sys.argv[1:]))


def sync() -> None:
    """Send the runs of a sweep that were kept offline."""
    sys.exit(_command("denote-sync", sys.argv[1:]))


def dashboard() -> None:
    """Make or update a view and a report in W&B."""
    sys.exit(_command("denote-dashboard", sys.argv[1:]))


def _command(command: str, arguments: list[str]) -> int:
    """Carry out a command, and return its exit code."""
    if "--version" in arguments or "--help" in arguments or "-h" in arguments:
        return _guarded(lambda: _told(command, arguments))
    acts = {
        "denote-report": _report, "denote-store": _store, "denote-compare": _compare, "denote-sync": _sync,
        "denote-dashboard": _dashboard,
    }  # fmt: skip
    act = acts.get(command, _hydra)
    if (tracked := sys.modules.get("denote.reporting.whereabouts")) is not None:
        tracked.forget()
    with stopped_by_signals():
        code = _guarded(lambda: _shown(act, command, arguments))
        return _guarded(_say_where_tracked) or code


def _told(command: str, arguments: list[str]) -> int:
    """Print the version or the help page."""
    if "--version" in arguments:
        from denote import __version__

        print(f"denote {__version__}")
        return DONE
    from denote.cli.messages import page

    print(page(command, _value_of("--config-dir", arguments)))
    return DONE


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
    logging.raiseExceptions = False  # a log that cannot be written is no reason for a page of text, nor to end a job
    try:
        code = action()
        write_out()  # what cannot be written is to be told here, not when Python ends
        return code
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return BUG
    except Exception as error:
        nobody_reads = isinstance(error, BrokenPipeError) and is_unread()
        discard_unwritten()
        if nobody_reads:
            return BUG
        if (full := no_space(error)) is not None and not wants_traceback:
            print(full, file=sys.stderr)
            return BUG
        mistake = _mistake(error)
        if mistake is None or wants_traceback:
            traceback.print_exc()
            return MISTAKE if mistake is not None else BUG
        print(mistake, file=sys.stderr)
        return MISTAKE


def _mistake(error: Exception) -> DenoteError | None:
    if isinstance(error, DenoteError):
        return error
    if (place := mistaken_place(error)) is not None:
        return place
    if isinstance(error, MemoryError):
        return ConfigError("memory", f"the machine has not enough ({error})", "fewer rows, draws or layers at once")
    if "hydra" not in sys.modules:
        return None
    from denote.cli.messages import as_mistake

    return as_mistake(error)


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
    check_written(arguments)
    _check_level(arguments)
    typed = [command, *arguments]
    trust, arguments = Trust.typed(arguments)
    trust.grant()
    # Torch would tell of its caches when a process ends that Hydra's logging was set up in.
    logging.getLogger("torch").setLevel(logging.WARNING)
    import hydra

    from denote.cli import sweeper
    from denote.cli.build import register_resolvers
    from denote.cli.hydra_private import check_flags, using_loader
    from denote.cli.hydra_settings import CheckingLoader
    from denote.cli.task import Task, mistakes

    check_flags([argument for argument in arguments if argument != "--layers"])
    register_resolvers()
    sweeper.register()
    task = Task(_observe, trust, is_recorded=True)
    if command == "denote-train":
        task, arguments = Task(_train, trust), _with_overrides(arguments, _TRAIN_OVERRIDES)
    if "--layers" in arguments:
        rest = [argument for argument in arguments if argument != "--layers"]
        task, arguments = Task(_layers, trust), _with_overrides(rest, _LAYERS_OVERRIDES)
    sweeper.PlannedSweeper.plan, sweeper.PlannedSweeper.is_alone = None, False
    if _asks_for_plan(arguments) and task.is_recorded:
        sweeper.PlannedSweeper.is_alone = not {"-m", "--multirun"} & set(arguments)
        arguments = _with_overrides(arguments, ["hydra.mode=MULTIRUN"])  # a job alone is planned like one of a sweep
    mistakes.clear()
    sys.argv = [command, *arguments]
    stop: BaseException | None = None
    try:
        with using_loader(CheckingLoader):
            hydra.main(version_base="1.3", config_path="pkg://denote.conf", config_name="config")(task)()
    except SystemExit as left:
        if _launched() is None and left.code not in (0, None):
            return left.code if isinstance(left.code, int) else BUG
    except BaseException as error:
        if _launched() is None:
            raise
        stop = error  # of the sweep; what is finished is merged first
    if mistakes:
        raise mistakes[0]
    plan = _plan()
    if plan is None:
        return DONE
    if plan.is_asked:
        return _tell(plan)
    finish = _finish if task.is_recorded else _finish_training
    code = finish(plan, shlex.join(typed), stop)
    if stop is not None and not isinstance(stop, KeyboardInterrupt):
        raise stop
    return code


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


def _asks_for_plan(arguments: list[str]) -> bool:
    """Return whether ``plan=true`` is typed: from then on nothing is written."""
    given = [argument.lstrip("+").partition("=") for argument in arguments]
    return any(key == "plan" and value.strip().lower() == "true" for key, _, value in given)


def _tell(plan: SweepPlan) -> int:
    """Print what the jobs of a plan would do, need and be able to say."""
    from denote.cli.plan import forecast
    from denote.reporting.forecast_page import print_forecast

    _check_some_start(plan)
    print_forecast(forecast(plan))
    return DONE


def _check_some_start(plan: SweepPlan) -> None:
    if len(plan.jobs) == len(plan.having("refused")) == 1:
        raise ConfigError("job", "it could not start", plan.jobs[0].reason)
    if plan.jobs and len(plan.having("refused")) == len(plan.jobs):
        raise ConfigError("sweep", f"none of {len(plan.jobs)} jobs could start", plan.jobs[0].reason)


def _launched() -> SweepPlan | None:
    """The plan, once its jobs are being run."""
    plan = _plan()
    return None if plan is None or plan.launch is None else plan


def _with_overrides(arguments: list[str], overrides: list[str]) -> list[str]:
    """Arguments with further overrides beside the user's own: Hydra reads overrides in one row only."""
    places = [place for place, argument in enumerate(arguments) if "=" in argument and not argument.startswith("-")]
    first = places[0] if places else len(arguments)
    return [*arguments[:first], *overrides, *arguments[first:]]


_NO_RECORD = ["hydra.output_subdir=null", "hydra/job_logging=stdout"]
_TO_STORE = ["hydra.run.dir=${store.path}", "hydra.sweep.dir=${store.path}", "hydra.sweep.subdir=."]
_TRAIN_OVERRIDES = ["hydra.job.name=denote-train", *_NO_RECORD, *_TO_STORE]
_LAYERS_OVERRIDES = ["hydra.job.name=denote-layers", *_NO_RECORD, "hydra.run.dir=.", "hydra.mode=RUN"]


def _observe(settings: Settings, attempt: Attempt) -> None:
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
    make = partial(build.job, settings, folder.parent)
    run_recorded(settings, folder, make, overrides=overrides, in_sweep=in_sweep, attempt=attempt)
    if not in_sweep:
        from denote.runs.single import show_job

        show_job(folder, FigureSettings.of(settings), verbose=bool(settings["verbose"]))


def _train(settings: Settings, attempt: Attempt) -> None:
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


def _layers(settings: Settings, attempt: Attempt) -> None:
    from denote.cli import build
    from denote.data.read_in_words import in_words
    from denote.progress import hide
    from denote.reporting.terminal import print_layers

    job = build.job(settings, Path(settings["store"]["path"]))
    job.data.setup()
    spec = job.model_spec()
    listing = job.listing(spec)
    hide()
    print(in_words(job.data.samples))
    print_layers(job.architecture_id(spec), listing)


def _finish(plan: SweepPlan, command: str, stop: BaseException | None) -> int:
    """Merge what is finished, print what was found, and say by the exit code whether all went well."""
    from denote.config.figure_settings import FigureSettings
    from denote.config.report_settings import ReportSettings
    from denote.runs.sweep import close_sweep

    _check_some_start(plan)
    refused = {job.folder.name: job.reason for job in plan.having("refused")}
    expected = [job.folder for job in plan.jobs if job.status != "refused"]
    skipped = [job.folder for job in plan.having("skip")]
    settings = next((job.settings for job in plan.jobs if job.settings), None)
    outcome = close_sweep(
        plan.folder,
        expected,
        refused,
        skipped=skipped,
        unstarted={} if plan.launch is None else plan.launch.unstarted(),
        interrupted=isinstance(stop, KeyboardInterrupt),
        command=command,
        figures=None if settings is None else FigureSettings.of(settings),
        verbose=settings is not None and bool(settings.get("verbose")),
        pages=settings is not None and ReportSettings.of(settings).per_job,
    )
    if outcome.unsuccessful and not isinstance(stop, KeyboardInterrupt):
        from denote.runs.track_failure import track_failures

        jobs = [job for job in plan.jobs if job.settings and job.status != "refused"]
        track_failures(outcome, {job.folder.name: (job.settings, job.overrides) for job in jobs})
    elif settings is not None and stop is not None:
        from denote.reporting.tracking import Tracker

        Tracker.of(settings, plan.folder).note_others()
    return BUG if stop is not None or outcome.unsuccessful else DONE


def _say_where_tracked() -> int:
    """Say on standard error where the runs of this process are, however it ended: what sends or shows them."""
    if "denote.reporting.whereabouts" in sys.modules:  # else nothing was tracked
        from denote.reporting.whereabouts import whereabouts

        for said in whereabouts():
            print(said, file=sys.stderr)
    return DONE


def _finish_training(plan: SweepPlan, command: str, stop: BaseException | None) -> int:
    """Say which networks of a sweep could not be trained."""
    failed = [] if plan.launch is None else plan.launch.unsuccessful()
    if stop is None and failed and len(failed) == len(plan.jobs) and all(end.is_mistake for end in failed):
        print(failed[0].reason, file=sys.stderr)
        return MISTAKE
    for end in failed:
        print(f"{end.job.name} {end.status}: {end.reason}", file=sys.stderr)
    return BUG if stop is not None or failed else DONE


def _report(command: str, arguments: list[str]) -> int:
    from denote.cli import report_command

    return report_command.act(arguments)


def _store(command: str, arguments: list[str]) -> int:
    from denote.cli import store_command

    return store_command.act(arguments)


def _compare(command: str, arguments: list[str]) -> int:
    from denote.cli import compare_command

    return compare_command.act(arguments)


def _sync(command: str, arguments: list[str]) -> int:
    from denote.cli import sync_command

    return sync_command.act(arguments)


def _dashboard(command: str, arguments: list[str]) -> int:
    from denote.cli import dashboard_command

    return dashboard_command.act(arguments)
