"""Evidence cards: a row of the tables in plain sentences that can be quoted without the table.

The record is the row itself. Its card is made when it is read, and names every number that the row should have: a
control that is missing is said to be missing, and the row's note ends the card, since it holds the reasons, without
those that only say what was not asked for. A number that the rule compares with a threshold has the decimals that tell
it apart from the threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl

from denote.evidence.rule import CAUSAL, INAPPLICABLE, Rule, does_not_rotate, telling_notes
from denote.interventions.words import MATCHED, OWN_OUTPUTS, OWN_PREDICTIONS, erasure, untested, verdict
from denote.numbers import NULL, count, proportion, reaches, setting, small
from denote.reporting.answer.words import plain_property
from denote.reporting.layer_words import layer_words
from denote.reporting.sheet import Cards, left_out
from denote.reporting.sheets import best_cells, surest
from denote.tables import says


def proportions(column: str, decimals: int = 2, limit: float | None = None) -> pl.Expr:
    """Return a column as `proportion` writes its numbers; what is null stays null."""
    write = partial(proportion, decimals=decimals, limit=limit)
    return pl.col(column).map_elements(write, return_dtype=pl.String)


def intervals(column: str, bounds: str | None = None, limit: float | None = None) -> pl.Expr:
    """Return a column as `interval` writes it, ends from ``<bounds>_low`` and ``<bounds>_high``; null stays null."""
    low, high = (proportions(f"{bounds or column}_{end}") for end in ("low", "high"))
    return proportions(column, limit=limit) + pl.format(" [{}, {}]", low, high).fill_null("")


def counts(column: str) -> pl.Expr:
    """Return a column of whole numbers as `count` writes them; null stays null."""
    return pl.col(column).map_elements(count, return_dtype=pl.String)


MISSING = "not run"
MOST_CARDS = 200
"""Cards of a kind in a report."""

OF_ROW = ("dataset", "architecture", "trained", "epoch", "seed", "object_model", "layer", "pooling")


def cards(cells: pl.DataFrame, neurons: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Put the decisive cells and the neurons that denote into words.

    Args:
        cells: Columns of ``tables.CELLS``, decided.
        neurons: Columns of ``tables.NEURONS``, decided.
        rule: The rule that decided them.

    Returns:
        One row per card, cells first: which network and layer, of a cell ``attribute probe k``, of a neuron ``neuron
        neuron_name property``, and ``card``.
    """
    of_cells = cell_cards(cells.filter("decisive"), rule).select(*OF_ROW, "attribute", "probe", "k", "card")
    of_neurons = neuron_cards(neurons.filter("denotes")).select(*OF_ROW, "neuron", "neuron_name", "property", "card")
    return pl.concat([of_cells, of_neurons], how="diagonal").select(pl.exclude("card"), "card")


def report_cell_cards(cells: pl.DataFrame, rule: Rule) -> list[Cards]:
    """Return the report's cards of decisive cells, the best layer and object model of each attribute and probe."""
    best = best_cells(cells).filter("decisive")
    return _folded("decisive cells, the best per attribute and probe", best, partial(cell_cards, rule=rule))


def report_neuron_cards(neurons: pl.DataFrame) -> list[Cards]:
    """Return the report's cards of the neurons that denote, the surest first."""
    return _folded("denoting neurons, the surest first", surest(neurons), neuron_cards)


def _folded(what: str, rows: pl.DataFrame, write: Callable[[pl.DataFrame], pl.DataFrame]) -> list[Cards]:
    n_cards = len(rows)
    if not n_cards:
        return []
    texts = write(rows.head(MOST_CARDS))["card"].to_list()
    more = left_out(n_cards - MOST_CARDS, "card", "denote.load(FOLDER).cards()")
    return [Cards(f"{n_cards} evidence card{'s' * (n_cards != 1)}: {what}", texts, more)]


def cell_cards(cells: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Put every cell into words.

    Args:
        cells: Columns of ``tables.CELLS``, decided.
        rule: The rule that decided them; a cell that is not decisive says which of its conditions failed.

    Returns:
        The cells with ``card``. A cell without a score has a card that says so.
    """
    of_scored = (_cell_scores(rule), _cell_controls(), _SPECIAL, _tests(rule.q), _detectable(), _CONVERGENCE)
    scored = pl.col("auroc").is_not_null()
    sentences = (
        _CELL + ": " + _verdict(rule) + ".",
        _rows(),
        *(pl.when(scored).then(sentence) for sentence in of_scored),
        *_ENDING,
    )
    return cells.with_columns(card=_joined(*sentences))


def neuron_cards(neurons: pl.DataFrame) -> pl.DataFrame:
    """Put every neuron that denotes into words.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.

    Returns:
        The neurons with ``card``, null where a neuron does not denote.
    """
    sentences = (
        pl.format("{}, {} denotes {} by the rule.", _PLACE, pl.coalesce("neuron_name", _UNIT), _PROPERTY),
        _rows(),
        _neuron_scores(),
        _neuron_controls(),
        _tests(),
        pl.format("Best rival: {} ({}).", "rival", _or_null("rival_balanced_accuracy")).fill_null(
            "Best rival: not run."
        ),
        pl.format("Detectable with power .8: balanced accuracy {}.", _or_null("detectable_balanced_accuracy")),
        *_ENDING,
    )
    denotes = pl.col("denotes").fill_null(value=False)
    return neurons.with_columns(card=pl.when(denotes).then(_joined(*sentences)))


def _joined(*sentences: pl.Expr) -> pl.Expr:
    """Sentences as one paragraph; those that are null are left out."""
    return pl.concat_str(*sentences, separator=" ", ignore_nulls=True)


def _or_null(column: str) -> pl.Expr:
    return proportions(column).fill_null(NULL)


def _control(column: str) -> pl.Expr:
    return proportions(column).fill_null(MISSING)


_PLACE = pl.format(
    "{} ({}{}{}{})",
    pl.col("layer").map_elements(layer_words, return_dtype=pl.String),
    pl.format("{}, ", "dataset").fill_null(""),
    pl.col("architecture").fill_null("network"),
    pl.when(pl.col("trained").not_()).then(pl.lit(", untrained")).otherwise(pl.lit("")),
    pl.format(", seed {}", "seed").fill_null(""),
)

_UNIT = pl.format("neuron {}", "neuron")

_PLAIN = pl.col("property").map_elements(plain_property, return_dtype=pl.String)
_PROPERTY = (
    pl.when(pl.col("property").str.starts_with("NOT "))
    .then(pl.format("{} ({})", _PLAIN, "property"))
    .otherwise("property")
)
"""A property by its name in the tables, and in words where that says what it is not."""

_CELL = pl.format(
    "{}, {} probe{} at {}", "attribute", "probe", pl.format(" (at most {} neurons)", "k").fill_null(""), _PLACE
)

_CONVERGENCE = (
    pl.when("converged")
    .then(pl.lit("The fit converged."))
    .when(pl.col("converged").not_())
    .then(pl.lit("The fit did NOT converge."))
    .otherwise(pl.lit("Convergence: not recorded."))
)

_SPECIAL = pl.format("Of random class subsets of its size, {} score lower.", proportions("random_subset_percentile"))


def _causal() -> pl.Expr:
    """What resampling and erasing cost the network, beside random ones; the note says why it was not tested."""
    random = pl.when(says(*MATCHED)).then(pl.lit("neurons")).otherwise(pl.lit("directions"))
    predicted = pl.when(says(OWN_PREDICTIONS)).then(pl.lit("what it predicts"))
    own = predicted.when(says(OWN_OUTPUTS)).then(pl.lit("the variance of its outputs"))
    of = own.otherwise(pl.lit("the score"))
    costs = pl.format(
        "{}: resampling it from other inputs costs {} of {} on its rows, random {} {}; corrected p {}",
        verdict(),
        intervals("ablation_effect", "ablation"),
        of,
        random,
        _or_null("ablation_random"),
        pl.col("ablation_q").map_elements(small, return_dtype=pl.String),
    )
    beside = pl.format(", random {} {}", random, _or_null("ablation_random"))
    untold = pl.format(
        "{}: resampling it from other inputs costs {} of {} on its rows{}",
        untested(),
        intervals("ablation_effect", "ablation"),
        of,
        pl.when(pl.col("ablation_random").is_not_null()).then(beside).otherwise(pl.lit("")),
    )
    erased = pl.format("; {}", erasure()).fill_null("")
    alone = pl.when(pl.col("ablation_effect").is_null()).then(pl.format("{}: {}", verdict(), erasure()))
    both = pl.format("{}{}", pl.coalesce(costs, untold, pl.lit(CAUSAL)), erased)
    return pl.format("Causal evidence: {}.", pl.coalesce(alone, both))


_ENDING = (_causal(), pl.format("Notes: {}.", telling_notes()[0]))


def _verdict(rule: Rule) -> pl.Expr:
    """Say whether a cell is decisive and, where it is not, every condition that failed."""
    failed = pl.concat_str(
        _below("balanced accuracy", "balanced_accuracy", rule.decisive),
        _below("lower bound", "balanced_accuracy_low", rule.null),
        _above("q", "q_value", rule.q),
        pl.when(fewest_rows() < rule.min_rows).then(pl.lit(f"fewer than {rule.min_rows} rows of a label")),
        separator=", ",
        ignore_nulls=True,
    )
    decisive = pl.col("decisive")
    return (
        pl.when(decisive)
        .then(pl.lit("decisive by the rule"))
        .when(decisive.not_())
        .then(pl.lit("not decisive by the rule: ") + failed)
        .otherwise(pl.lit("not scored"))
    )


def _below(name: str, column: str, least: float) -> pl.Expr:
    """Say that a number is too small; null where it is not."""
    number = proportions(column, limit=least)
    return _fails(reaches(pl.col(column), least), name, pl.format("{} below {}", number, pl.lit(setting(least))))


def _above(name: str, column: str, most: float) -> pl.Expr:
    """Say that a number is too large; null where it is not."""
    number = proportions(column, 3, limit=most)
    return _fails(pl.col(column) <= most, name, pl.format("{} above {}", number, pl.lit(setting(most))))


def _fails(holds: pl.Expr, name: str, how: pl.Expr) -> pl.Expr:
    said = pl.format(f"{name} {{}}", how.fill_null(NULL))
    return pl.when(holds.not_().fill_null(value=True)).then(said)


def fewest_rows() -> pl.Expr:
    """Return the smallest number of rows with or without the attribute or property, in *fit* or *test*."""
    positive = [pl.col(f"n_positive_{part}") for part in ("fit", "test")]
    negative = [pl.col(f"n_{part}") - pl.col(f"n_positive_{part}") for part in ("fit", "test")]
    return pl.min_horizontal(*positive, *negative)


def _rows() -> pl.Expr:
    return pl.format(
        "Rows: {} fit ({} positive), {} test ({} positive, label proportion {}).",
        *(counts(column).fill_null(NULL) for column in ("n_fit", "n_positive_fit", "n_test", "n_positive_test")),
        _or_null("label_proportion"),
    )


def _cell_scores(rule: Rule) -> pl.Expr:
    """The scores; balanced accuracy with its two-sided interval and the one-sided bound, which the rule asks for."""
    return pl.format(
        "AUROC {}; balanced accuracy {}, at least {} (one-sided 95 %); accuracy {}, majority {}.",
        intervals("auroc"),
        intervals("balanced_accuracy", "balanced_accuracy_interval", limit=rule.decisive).fill_null(NULL),
        proportions("balanced_accuracy_low", limit=rule.null).fill_null(NULL),
        _or_null("accuracy"),
        _or_null("majority_accuracy"),
    )


def _cell_controls() -> pl.Expr:
    """The AUROCs of the controls; the control task only where there is one, since few data have word forms or ids."""
    absent = pl.when(does_not_rotate()).then(pl.lit(INAPPLICABLE)).otherwise(pl.lit(MISSING))
    return pl.format(
        "AUROC of controls: shuffled {}, untrained {}, raw input {}, rotated {}{}; selectivity {}.",
        *(_control(column) for column in ("control_auroc", "untrained_auroc", "input_auroc")),
        proportions("rotated_auroc").fill_null(absent),
        pl.format(", control task {}", proportions("control_task_auroc")).fill_null(""),
        intervals("selectivity").fill_null(NULL),
    )


def _detectable() -> pl.Expr:
    return pl.format(
        "Detectable with power .8: AUROC {}, label proportion {}.",
        _or_null("detectable_auroc"),
        _or_null("detectable_proportion"),
    )


def _neuron_scores() -> pl.Expr:
    return pl.format(
        "Balanced accuracy {}, TPR {}, TNR {}; majority accuracy {}.",
        intervals("balanced_accuracy", "balanced_accuracy_interval").fill_null(NULL),
        intervals("tpr").fill_null(NULL),
        intervals("tnr").fill_null(NULL),
        _or_null("majority_accuracy"),
    )


def _neuron_controls() -> pl.Expr:
    return pl.format(
        "The same search: shuffled {}, untrained {}, raw input {}, rotated: {}; selectivity {}.",
        *(_control(f"{control}_balanced_accuracy") for control in ("control", "untrained", "input")),
        pl.format("{} of directions denote", proportions("rotated_share")).fill_null(MISSING),
        intervals("selectivity").fill_null(NULL),
    )


def _tests(most: float | None = None) -> pl.Expr:
    """The corrected p-value, beside the largest that passes, and over how many tests it was corrected."""
    q = pl.col("q_value")
    written = pl.when(q < 0.001).then(pl.lit("q < .001")).otherwise(pl.lit("q = ") + proportions("q_value", 3, most))
    return pl.format("{} over {} tests.", written, counts("n_tests")).fill_null("Not tested.")
