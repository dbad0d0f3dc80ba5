"""Six questions answered from W&B's files alone: what a person can plot in the dashboard by the keys of runs.

python scripts/wandb_plots.py multirun/NAME [multirun/OTHER ...] [--out plots]

Reads the runs that were kept offline in ``wandb/`` of each sweep. Uses config, summary, history and exit code of runs;
opens no table, no artifact and nothing else of denote. Prints how many points each plot has. Of several sweeps each has
its own plots, ``auroc_by_depth-NAME.png``, but those that set them side by side; titles name the sweeps. Ends with 1
where there are no runs, and with 2 where a folder is no sweep's.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from statistics import mean
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from wandb_files import Logged, runs_in

PROBE = "linear"
"""The probe whose lines are drawn by attribute."""

MOST_NAMED = 60
"""Jobs on an axis that are all named; of more every second, third and so on."""

WIDEST = 80
"""Letters of a line of a title."""

LONGEST = 30
"""Letters of a name under an axis."""

Points = dict[str, dict[float, list[float]]]
"""By line and x the values."""

Draw = Callable[[Axes, Sequence[Logged]], int]


def main() -> int:
    """Draw the plots, and return 1 where there is nothing to draw, 2 where a folder is none of a sweep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweeps", nargs="+", type=Path, help="folders of sweeps")
    parser.add_argument("--out", type=Path, default=Path("plots"), help="folder of the plots")
    asked = parser.parse_args()
    if mistake := next(filter(None, map(_mistake, asked.sweeps)), None):
        print(mistake, file=sys.stderr)
        return 2
    runs = {sweep: runs_in(sweep / "wandb") for sweep in asked.sweeps}
    if empty := [str(sweep) for sweep, found in runs.items() if not found]:
        print(f"{', '.join(empty)}: no runs in wandb/; allowed: sweeps that W&B kept offline", file=sys.stderr)
        return 1
    every = [run for found in runs.values() for run in found]
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, draw in OF_ALL.items():
        save(asked.out, name, draw, every, ", ".join(sweep.name for sweep in asked.sweeps))
    for sweep, found in runs.items():
        alike = sum(other.name == sweep.name for other in runs) > 1
        of = f"-{sweep.parent.name}-{sweep.name}" if alike else f"-{sweep.name}"
        for name, draw in OF_ONE.items():
            save(asked.out, name if len(runs) == 1 else f"{name}{of}", draw, found, of[1:])
    return 0


def _mistake(sweep: Path) -> str | None:
    """Return why a folder is none of a sweep, and what is allowed; None where it may be one."""
    if not sweep.is_dir():
        return f"{sweep}: there is no such folder; allowed: that of a sweep, multirun/NAME"
    if not (sweep / "wandb").is_dir() and (held := sorted(path.parent.name for path in sweep.glob("*/wandb"))):
        return f"{sweep}: holds sweeps and is none ({', '.join(held)}); allowed: {sweep / held[0]}"
    return None


def save(folder: Path, name: str, draw: Draw, runs: Sequence[Logged], sweeps: str) -> None:
    """Draw a plot and save it, unless it would be empty; its title begins with the names of the sweeps."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    drawn = draw(axes := figure.add_subplot(), runs)
    if drawn:
        axes.set_title(f"{fill(sweeps, WIDEST)}\n{axes.get_title()}")
        figure.savefig(folder / f"{name}.png", dpi=120)
    print(f"{name}: {drawn or 'no'} points from {len(runs)} runs{'' if drawn else ', not drawn'}")


def auroc_by_depth(axes: Axes, runs: Sequence[Logged]) -> int:
    """AUROC against depth by attribute: a colour each, a kind of line for every dataset, architecture and epoch."""
    curves = list(of_type(runs, "curve"))
    named = sorted({attribute for run in curves for attribute in attributes(run)})
    drawn = 0
    for run, style in zip(curves, cycle(("-", "--", ":", "-."))):
        for attribute in attributes(run):
            line = run.line("depth", f"{PROBE}/auroc/{attribute}")
            label = attribute if len(curves) == 1 else f"{attribute}: {run.name}"
            colour = f"C{named.index(attribute) % 10}"
            axes.plot(*zip(*line, strict=True), linestyle=style, marker="o", color=colour, label=label)
            drawn += len(line)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="depth", ylabel=f"AUROC ({PROBE})", title="AUROC against depth by attribute, means over networks")
    _legend(axes)
    return drawn


def folded_of_sweeps(axes: Axes, runs: Sequence[Logged]) -> int:
    """Folded label proportion of several sweeps against relative depth, in one chart."""
    drawn = 0
    colours = {sweep: f"C{place}" for place, sweep in enumerate(sorted({run.config["sweep"] for run in runs}))}
    for run in of_type(runs, "curve"):
        for key in sorted(key for row in run.history for key in row if key.endswith("/folded")):
            line = run.line("relative_depth", key)
            label = f"{run.config['sweep']}: {run.name}, {key.partition('/')[0]}"
            if label not in axes.get_legend_handles_labels()[1]:
                marker = "o" if run.config.get("epoch") is None else "."
                axes.plot(*zip(*line, strict=True), marker=marker, color=colours[run.config["sweep"]], label=label)
                drawn += len(line)
    axes.set(xlabel="relative depth", ylabel="folded label proportion", title="Folded label proportion by sweep")
    _legend(axes)
    return drawn


def best_layer(axes: Axes, runs: Sequence[Logged]) -> int:
    """Layer at which each attribute is read best, counted over curves."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    order: dict[str, float] = {}
    for run in of_type(runs, "curve"):
        order |= {row["layer"]: row["depth"] for row in run.history}
        for attribute in attributes(run):
            best = max(run.line("layer", f"{PROBE}/auroc/{attribute}"), key=lambda point: point[1])
            counts[attribute][best[0]] += 1
    layers, named = sorted(order, key=lambda layer: order[layer]), sorted(counts)
    for attribute, by_layer in counts.items():
        for layer, n in by_layer.items():
            axes.scatter(layers.index(layer), named.index(attribute), s=80 * n, color="C0")
            axes.annotate(str(n), (layers.index(layer), named.index(attribute)), ha="center", va="center", color="w")
    axes.set_xticks(range(len(layers)), layers)
    axes.set_yticks(range(len(named)), named)
    axes.set(title="Best layer of each attribute (number of curves)", xlim=(-0.5, len(layers) - 0.5))
    return sum(len(by_layer) for by_layer in counts.values())


def failed_runs(axes: Axes, runs: Sequence[Logged]) -> int:
    """Runs that did not finish, by name, with their exit code and what the summary says of their end."""
    failed = sorted((run for run in runs if run.exit_code != 0), key=lambda run: (run.config["sweep"], run.name))
    codes = sorted({run.exit_code or 0 for run in failed})
    for place, run in enumerate(failed):
        at = codes.index(run.exit_code or 0)
        axes.scatter(at, place, color="C3")
        said = f"  {run.summary['status']} {run.summary.get('error', '')}"
        axes.annotate(said, (at, place), fontsize=7, va="center")
    axes.set_yticks(range(len(failed)), [f"{run.job_type}: {run.name[:60]}" for run in failed], fontsize=7)
    axes.set_xticks(range(len(codes)), map(str, codes))
    title = f"{len(failed)} of {len(runs)} runs did not finish"
    axes.set(xlabel="exit code", title=title, xlim=(-0.5, len(codes)))
    return len(failed)


def network_of_job(axes: Axes, runs: Sequence[Logged]) -> int:
    """Network that each job used: jobs by name, networks by the name of their artifact."""
    networks = {run.config["network"]: run.name for run in of_type(runs, "object_model")}
    jobs = [run for run in of_type(runs, "job") if run.config.get("network") in networks]
    names = sorted(networks)
    axes.scatter([names.index(job.config["network"]) for job in jobs], range(len(jobs)), color="C0", s=20)
    every = 1 + len(jobs) // MOST_NAMED
    axes.set_yticks(range(0, len(jobs), every), [job.name[:70] for job in jobs[::every]], fontsize=6)
    labels = [f"{networks[name]}\n{name}" for name in names]
    axes.set_xticks(range(len(names)), labels, fontsize=6, rotation=45, ha="right")
    axes.set(ylabel="job", title="The network that each job used", xlim=(-0.5, len(names) - 0.5))
    axes.figure.set_size_inches(max(8, 3 + 0.3 * len(names)), max(4, 2 + 0.14 * min(len(jobs), MOST_NAMED)))
    return len(jobs)


def probes_of_attribute(axes: Axes, runs: Sequence[Logged]) -> int:
    """Effect of ``probe`` at each attribute: the best AUROC, one dot a job; datasets apart."""
    points: Points = defaultdict(lambda: defaultdict(list))
    jobs = list(of_type(runs, "job"))
    named = sorted({attribute for run in jobs for attribute in _named(run)})
    several = len({run.config["dataset"] for run in jobs}) > 1
    for run in jobs:
        probes = str(run.config["probe"]).split(",")
        for probe in probes:
            prefix = "" if len(probes) == 1 else f"{probe}/"
            label = f"{probe}, {run.config['dataset']}" if several else probe
            for attribute in _named(run):
                if (auroc := run.summary.get(f"{prefix}auroc/{attribute}")) is not None:
                    points[label][named.index(attribute)].append(auroc)
    for place, (label, by_attribute) in enumerate(sorted(points.items())):
        for at, values in by_attribute.items():
            axes.scatter([at + 0.2 * place] * len(values), values, color=f"C{place}", s=12, alpha=0.5)
            axes.scatter(at + 0.2 * place, mean(values), color=f"C{place}", s=60, marker="_", label=label)
    axes.set_xticks(range(len(named)), [shorten(name) for name in named], fontsize=7, rotation=60, ha="right")
    for label in axes.get_xticklabels():
        label.set_rotation_mode("anchor")
    axes.figure.set_size_inches(max(7, 3 + 0.22 * len(named)), 5)
    axes.set(ylabel="AUROC", title="Probes at each attribute, one dot a job, means as bars")
    _legend(axes)
    return sum(len(values) for by_attribute in points.values() for values in by_attribute.values())


OF_ALL: dict[str, Draw] = {"folded_of_sweeps": folded_of_sweeps, "failed_runs": failed_runs}
"""Plots that set sweeps side by side."""

OF_ONE: dict[str, Draw] = {
    "auroc_by_depth": auroc_by_depth,
    "best_layer": best_layer,
    "network_of_job": network_of_job,
    "probes_of_attribute": probes_of_attribute,
}
"""Plots of a single sweep, since they count or take means."""


def of_type(runs: Sequence[Logged], job_type: str) -> Iterator[Logged]:
    """Yield the runs of a type."""
    return (run for run in runs if run.job_type == job_type)


def attributes(run: Logged) -> list[str]:
    """Return the attributes whose lines a curve has."""
    prefix = f"{PROBE}/auroc/"
    return sorted({key.removeprefix(prefix) for row in run.history for key in row if key.startswith(prefix)})


def _named(run: Logged) -> list[str]:
    """Return the attributes that a run's summary names."""
    keys = [key.removeprefix("auroc/") for key in run.summary if key.startswith("auroc/")]
    return [key for key in keys if key not in ("best", "mean")]


def shorten(name: str) -> str:
    """Return a name that has room under an axis."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if once := dict(zip(labels, handles, strict=True)):
        axes.legend(once.values(), once.keys(), fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))


if __name__ == "__main__":
    sys.exit(main())
