"""Where results come from, as artifacts: network -> manifest of its states -> job -> sweep.

Online each run names the artifacts that it was made from, so that W&B draws the graph. Offline it cannot; so what an
artifact is made of stands in its metadata, and in the settings of its run, either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from denote.reporting.tracked_run import Run
from denote.reporting.wandb_names import artifact_name

MOST_USED = 100
"""Jobs that a sweep's run names as its inputs: each is a request to the server."""

TABLES = "*.parquet"


def network_name(training_key: str) -> str:
    """Return the name of a training's artifact."""
    return artifact_name("network", training_key)


def states_name(key: str) -> str:
    """Return the name of the artifact of recorded states."""
    return artifact_name("states", key)


def job_name(fingerprint: str) -> str:
    """Return the name of the artifact of a job's cells."""
    return artifact_name("job", fingerprint)


def sweep_name(sweep: str) -> str:
    """Return the name of the artifact of a sweep's merged tables."""
    return artifact_name("sweep", sweep)


def log_network(run: Run | None, training_key: str, folder: Path, config: Mapping[str, Any]) -> None:
    """Keep the weights of a network, with the record of its training.

    Args:
        run: The network's run, or None.
        training_key: Key of its training.
        folder: Where it is stored.
        config: The run's settings.
    """
    if run is not None:
        said = {name: value for name, value in config.items() if not isinstance(value, Mapping)}
        run.keep(network_name(training_key), "network", _files(folder, "*.safetensors", "*.json"), said)


def log_inputs(run: Run | None, store: Path, stored: Sequence[str], network: str | None) -> None:
    """Say what a job was made from: its network, and the manifests of its states.

    Args:
        run: The job's run, or None.
        store: The store's folder.
        stored: Folders in it that the job used: ``states/KEY``, ``models/KEY``.
        network: Name of the network's artifact; None for one that is not trained here.
    """
    if run is None:
        return
    if network is not None:
        run.use(network)
    said = {} if network is None else {"network": network}
    for folder in stored:
        kind, _, key = folder.partition("/")
        if kind == "states":
            run.keep(states_name(key), "states", _files(store / folder, "manifest.json"), said, is_input=True)


def log_cells(run: Run | None, fingerprint: str, folder: Path, stored: Sequence[str], network: str | None) -> None:
    """Keep the cells of a job.

    Args:
        run: The job's run, or None.
        fingerprint: The job's key.
        folder: The job's folder.
        stored: Folders of the store that it used.
        network: Name of the network's artifact.
    """
    if run is not None:
        used = [states_name(key) for kind, _, key in (each.partition("/") for each in stored) if kind == "states"]
        said = {"states": used, "job": folder.name, **({} if network is None else {"network": network})}
        run.keep(job_name(fingerprint), "evidence", _files(folder, "cells.parquet"), said)


def log_merged(run: Run | None, sweep: str, folder: Path, fingerprints: Sequence[str]) -> None:
    """Keep a sweep's merged tables and its report.

    Args:
        run: The sweep's run, or None.
        sweep: The sweep's name.
        folder: Folder of its merged results.
        fingerprints: Keys of its jobs.
    """
    if run is None:
        return
    made_from = [job_name(fingerprint) for fingerprint in fingerprints]
    for name in made_from[:MOST_USED]:
        run.use(name)
    said = {"jobs": made_from[:MOST_USED], "n_jobs": len(made_from)}
    run.keep(sweep_name(sweep), "sweep", _files(folder, TABLES, "report.html"), said)


def _files(folder: Path, *kinds: str) -> dict[str, Path]:
    return {file.name: file for kind in kinds for file in sorted(folder.glob(kind))}
