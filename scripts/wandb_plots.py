"""Six questions answered from W&B's files alone: what a person can plot in the dashboard by the keys of runs.

python scripts/wandb_plots.py multirun/NAME [multirun/OTHER ...] [--out plots]

Reads the runs that were kept offline in ``wandb/`` of each sweep. Uses config, summary, history and exit code of runs;
opens no table, no artifact and nothing else of denote. Prints how many points each plot has.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from wandb_files import Logged, runs_in

PROBE = "linear"
"""The probe whose lines are drawn by attribute."""

Points = dict[str, dict[float, list[float]]]
"""By line and x the values."""


def main() -> None:
    """Draw the six plots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweeps", nargs="+", type=Path, help="folders of sweeps")
    parser.add_argument("--out", type=Path, default=Path("plots"), help="folder of the plots")
    asked = parser.parse_args()
    runs = [run for sweep in asked.sweeps for run in runs_in(sweep / "wandb")]
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.add_subplot()
        drawn = draw(axes, runs)
        figure.savefig(asked.out / f"{name}.png", dpi=120)
        print(f"{name}: {drawn} points from {len(runs)} runs")


def auroc_by_depth(axes: Axes, runs: Sequence[Logged]) -> int:
    """AUROC against depth by attribute, each line a mean over runs with the runs behind it."""
    points: Points = defaultdict(lambda: defaultdict(list))
    for run in of_type(runs, "curve"):
        for attribute in attributes(run):
            line = run.line("depth", f"{PROBE}/auroc/{attribute}")
            axes.plot(*zip(*line, strict=True), color="0.85", lw=1, zorder=0)
            for depth, auroc in line:
                points[attribute][depth].append(auroc)
    axes.set(xlabel="depth", ylabel=f"AUROC ({PROBE})", title="AUROC against depth by attribute, mean over runs")
    return _lines(axes, points)


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
    """Return the layer at which each attribute is read best, counted over runs."""
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
    axes.scatter([run.exit_code or 0 for run in failed], range(len(failed)), color="C3")
    for place, run in enumerate(failed):
        said = f"  {run.summary['status']} {run.summary.get('error', '')}"
        axes.annotate(said, (run.exit_code or 0, place), fontsize=7, va="center")
    axes.set_yticks(range(len(failed)), [f"{run.job_type}: {run.name[:60]}" for run in failed], fontsize=7)
    axes.set(xlabel="exit code", title=f"{len(failed)} of {len(runs)} runs did not finish", xlim=(0, 3))
    return len(failed)


def network_of_job(axes: Axes, runs: Sequence[Logged]) -> int:
    """Network that each job used."""
    networks = {run.config["network"]: run.name for run in of_type(runs, "object_model")}
    jobs = [run for run in of_type(runs, "job") if run.config.get("network") in networks]
    names = sorted(networks)
    for place, job in enumerate(jobs):
        axes.scatter(place, names.index(job.config["network"]), color="C0", s=20)
    axes.set_yticks(range(len(names)), [f"{networks[name]}\n{name}" for name in names], fontsize=7)
    axes.set(xlabel="job", title="The network that each job used", ylim=(-0.5, len(names) - 0.5))
    return len(jobs)


def probes_of_attribute(axes: Axes, runs: Sequence[Logged]) -> int:
    """Effect of ``probe`` at each attribute: the best AUROC, one dot a job."""
    points: Points = defaultdict(lambda: defaultdict(list))
    named = sorted({attribute for run in of_type(runs, "job") for attribute in _named(run)})
    for run in of_type(runs, "job"):
        probes = str(run.config["probe"]).split(",")
        for probe in probes:
            prefix = "" if len(probes) == 1 else f"{probe}/"
            for attribute in _named(run):
                if (auroc := run.summary.get(f"{prefix}auroc/{attribute}")) is not None:
                    points[probe][named.index(attribute)].append(auroc)
    for place, (probe, by_attribute) in enumerate(sorted(points.items())):
        for at, values in by_attribute.items():
            axes.scatter([at + 0.2 * place] * len(values), values, color=f"C{place}", s=12, alpha=0.5)
            axes.scatter(at + 0.2 * place, mean(values), color=f"C{place}", s=60, marker="_", label=probe)
    axes.set_xticks(range(len(named)), named)
    axes.set(ylabel="AUROC", title="Probes at each attribute, one dot a job, means as bars")
    _legend(axes)
    return sum(len(values) for by_attribute in points.values() for values in by_attribute.values())


PLOTS: dict[str, Callable[[Axes, Sequence[Logged]], int]] = {
    "auroc_by_depth": auroc_by_depth,
    "folded_of_sweeps": folded_of_sweeps,
    "best_layer": best_layer,
    "failed_runs": failed_runs,
    "network_of_job": network_of_job,
    "probes_of_attribute": probes_of_attribute,
}


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


def _lines(axes: Axes, points: Points) -> int:
    for name, by_x in sorted(points.items()):
        xs = sorted(by_x)
        axes.plot(xs, [mean(by_x[x]) for x in xs], marker="o", label=name)
    _legend(axes)
    return sum(len(by_x) for by_x in points.values())


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if once := dict(zip(labels, handles, strict=True)):
        axes.legend(once.values(), once.keys(), fontsize=7)


if __name__ == "__main__":
    main()
