"""The kinds of intervention and their settings, the options of ``intervention``; this module loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from denote.config.settings import COUNT, SOME, Count, Value, check_values, listed, number
from denote.errors import ConfigError, one_of, type_in_words

LARGEST_DOSE = 100
"""Standard deviations: no state lies so far out, and what a network gives there tells nothing of it."""

DOSE = number(-LARGEST_DOSE, LARGEST_DOSE)
DOSES = listed(
    f"a list of different numbers in [-{LARGEST_DOSE}, {LARGEST_DOSE}] other than 0",
    Value("a number other than 0", lambda value: DOSE.fits(value) and value != 0),
    least=1,
    order="distinct",
)


@dataclass(frozen=True)
class Intervention:
    """Settings of a kind of intervention; its fields are the keys of ``conf/intervention/NAME.yaml``.

    Attributes:
        name: Name in ``intervention=`` and in the tables.
    """

    name: ClassVar[str]


@dataclass(frozen=True)
class Ablate(Intervention):
    """Replace the state of neurons and of observers' directions (METHOD section 7).

    Attributes:
        draws: Resamplings from other inputs of every denoting neuron and observer; all other neurons get one.
        directions: Random directions of equal norm; more where a correction asks for more.
        top: Neurons of an observer with the largest relevance that are ablated together; 0 leaves that out.
        observers: Decisive observers per layer and probe that are ablated, the surest first; 0 leaves them out.
    """

    draws: Annotated[int, SOME] = 20
    directions: Annotated[int, number(19, 10**6, whole=True)] = 999
    top: Annotated[int, COUNT] = 5
    observers: Count = 20

    name = "ablate"


@dataclass(frozen=True)
class Erase(Intervention):
    """Take all linear information on an attribute out of a layer (LEACE), and observe every later layer again.

    Attributes:
        draws: Random erasures of equal rank, and as many random displacements of equal norm, for comparison.
        attributes: Decisive attributes per layer that are erased, the surest first.
    """

    draws: Annotated[int, number(19, 10**6, whole=True)] = 99
    attributes: Annotated[int, SOME] = 5

    name = "erase"


@dataclass(frozen=True)
class Steer(Intervention):
    """Push states along the direction of an observer, and switch neurons that denote, and see what answers.

    Attributes:
        doses: Pushes in standard deviations of the state along the direction on *fit*; none is 0, none beyond 100.
        directions: Random directions of equal norm for comparison.
        observers: Decisive linear observers per layer that are steered, the surest first; 0 leaves them out.
        neurons: Denoting neurons per layer that are switched, the best on *fit* first; 0 leaves them out.
    """

    doses: Annotated[tuple[float, ...], DOSES] = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
    directions: Annotated[int, number(19, 10**6, whole=True)] = 199
    observers: Count = 5
    neurons: Count = 5

    name = "steer"


NOTHING = "none"
"""Asks for no intervention."""

INTERVENTIONS: Mapping[str, type[Intervention]] = {kind.name: kind for kind in (Ablate, Erase, Steer)}
"""By name."""


def chosen_interventions(options: Mapping[str, Mapping[str, Any] | None]) -> tuple[Intervention, ...]:
    """Make the interventions that are asked for, in the order of `INTERVENTIONS`.

    Args:
        options: The group ``intervention`` of a config: settings by name.
    """
    return tuple(_made(kind, options[name] or {}) for name, kind in INTERVENTIONS.items() if name in options)


def _made(kind: type[Intervention], settings: Mapping[str, Any]) -> Intervention:
    """Make one of settings of a config, in which tuples are lists."""
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()})


def given_interventions(given: Any) -> tuple[Intervention, ...]:
    """Make the interventions that a caller of Python names.

    Args:
        given: None, ``none``, a name, an `Intervention`, or several.

    Raises:
        ConfigError: for what is none of these.
    """
    if given is None or given == NOTHING:
        return ()
    chosen: dict[str, Intervention] = {}
    for each in given if isinstance(given, list | tuple | set) else [given]:
        if each == NOTHING:
            continue
        kind = INTERVENTIONS.get(each) if isinstance(each, str) else None
        if kind is None and not isinstance(each, Intervention):
            came = repr(each) if isinstance(each, str) else type_in_words(each)
            names = one_of(each if isinstance(each, str) else "", [*INTERVENTIONS, NOTHING])
            allowed = f"{names}, a list of those, or settings, as denote.Ablate(draws=50)"
            raise ConfigError("observe(interventions=...)", f"{came} came", allowed)
        one = kind() if kind is not None else each
        if chosen.get(one.name, one) != one:
            raise ConfigError(
                "observe(interventions=...)", f"{one.name} came twice, with other settings", "each kind once"
            )
        check_values(type(one), vars(one), f"interventions.{one.name}.{{}}".format)
        chosen[one.name] = one
    return tuple(chosen[name] for name in INTERVENTIONS if name in chosen)
