"""Count what the jobs of a sweep need of the store: trainings, recordings of states, and room on its disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from denote.digests import DamagedError
from denote.evidence.controls.untrained import Untrained
from denote.object_models.model_store import ModelStore
from denote.object_models.spec import ModelSpec
from denote.observation.recording import randomised_key
from denote.runs.job import Job
from denote.states.layers import Layer
from denote.states.listing import Listing
from denote.states.store import Manifest, Origin

NUMBER = 4
"""Bytes of a number of a state or of weights: float32."""


@dataclass(frozen=True)
class Recording:
    """States of one network that are wanted.

    Attributes:
        origin: Network, samples and rows.
        layers: Layers that a pass over the rows records.
    """

    origin: Origin
    layers: tuple[Layer, ...]

    def missing(self, store: Path) -> list[Layer]:
        """Return the layers that are not in the store; arrays are not read."""
        folder = store / "states" / self.origin.key
        if not folder.is_dir():
            return list(self.layers)
        try:
            manifest = Manifest.read(folder, self.origin)
        except DamagedError:
            return list(self.layers)
        return [layer for layer in self.layers if not manifest.has(layer)]


@dataclass
class Needs:
    """Needs of jobs whose data is known, added up; what several of them share is counted once.

    Attributes:
        store: Folder of the store.
        trainings: Bytes of the weights of every training, by its key.
        trained: Keys of the trainings that are in the store.
        recordings: By key of the states' folder.
    """

    store: Path
    trainings: dict[str, int] = field(default_factory=dict)
    trained: set[str] = field(default_factory=set)
    recordings: dict[str, Recording] = field(default_factory=dict)

    def add(self, job: Job, listing: Listing, parameters: int) -> None:
        """Add what a job needs.

        Args:
            job: The job, whose data is set up.
            listing: Layers of its architecture.
            parameters: Count of its weights.
        """
        spec = job.model_spec()
        if spec.is_trained_here:
            kept = len({spec.epoch, *spec.save_epochs} - {None, 0})
            of_job = NUMBER * parameters * (1 + kept)
            self.trainings[spec.training_key] = max(self.trainings.get(spec.training_key, 0), of_job)
            if _is_stored(self.store, spec):
                self.trained.add(spec.training_key)
        for recording in _recordings(job, spec, listing):
            before = self.recordings.get(recording.origin.key)
            layers = dict.fromkeys((*(before.layers if before else ()), *recording.layers))
            self.recordings[recording.origin.key] = Recording(recording.origin, tuple(layers))

    @property
    def to_train(self) -> set[str]:
        """Keys of the trainings that are not in the store."""
        return self.trainings.keys() - self.trained

    @cached_property
    def to_record(self) -> Mapping[str, int]:
        """Bytes of the states that are not in the store, by key of their folder."""
        missing = {key: recording.missing(self.store) for key, recording in self.recordings.items()}
        return {
            key: NUMBER * self.recordings[key].origin.n_rows * sum(layer.n_neurons for layer in layers)
            for key, layers in missing.items()
            if layers
        }

    @property
    def weights_bytes(self) -> int:
        """Bytes of the weights of the trainings that are not in the store."""
        return sum(self.trainings[key] for key in self.to_train)

    @property
    def states_bytes(self) -> int:
        """Bytes of the states that are not in the store."""
        return sum(self.to_record.values())


def observed_layers(job: Job, listing: Listing) -> list[Layer]:
    """Return the layers that a job observes, each once; all of them for ``layer=state``.

    Args:
        job: The job.
        listing: Layers of its architecture.
    """
    asked = job.layers(listing)
    listed = [layer for layer in listing.layers if layer.is_listed]
    return list(dict.fromkeys([*(layer for layer in asked if layer), *(listed if None in asked else ())]))


def _is_stored(store: Path, spec: ModelSpec) -> bool:
    record = ModelStore(store).record(spec)
    return record is not None and (spec.epoch is None or spec.epoch in record.kept_epochs)


def _recordings(job: Job, spec: ModelSpec, listing: Listing) -> Iterator[Recording]:
    """Give the states that a job wants: of its network, of its untrained twins, and of randomised copies."""
    observed = observed_layers(job, listing)
    listed = [layer for layer in listing.layers if layer.is_listed]
    recorded = tuple(dict.fromkeys([*observed, *(listed if job.config["store"]["extract"] == "all" else ())]))
    samples, parts = job.data.samples, job.data.parts
    twins = [spec.twin(draw) for draw in range(Untrained.among(job.controls).twins)]
    for each in (spec, *twins):
        yield Recording(Origin.of(each.key, samples.key, parts.observed), recorded)
    if spec.is_initialisation or not job.checks_maps(job.probes()):
        return
    for layer in observed:
        yield Recording(Origin.of(randomised_key(spec.key, layer.name), samples.key, parts.fit), (layer,))


def parameters_of(spec: ModelSpec) -> int:
    """Return the count of weights of a network."""
    return sum(weights.numel() for weights in spec.initial_network().state_dict().values())
