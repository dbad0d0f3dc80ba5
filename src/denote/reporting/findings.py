"""Sentences of what was found and what is in doubt, the same wherever shown; they claim no more than the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from denote.config.levels import LEVELS, QUICK, STANDARD
from denote.data.trained_on import NONE, UNKNOWN
from denote.figures.curves import Curve, curves, one_size, some
from denote.numbers import count, proportion
from denote.observers.kinds import reads_state
from denote.reporting.layer_words import layer_words
from denote.reporting.sheet import NOTES, Sheet, fine_share, sheet, text, whole
from denote.tables import says

PAPER = (
    "denote's numbers are our operationalisation of E. E. Allen, Neural Networks and Denotation (arXiv 2103.08315), "
    "of which only the abstract was available."
)


def findings(cells: pl.DataFrame, neurons: pl.DataFrame, by_depth: pl.DataFrame) -> list[str]:
    """Return what these tables say, one fact a sentence.

    Args:
        cells: Rows of ``cells.parquet``.
        neurons: Rows of ``neurons.parquet``.
        by_depth: Rows of ``label_proportion_by_depth.parquet``.

    Returns:
        Sentences: what was observed; per curve which share denotes, beside its controls; what is undefined and why.
    """
    sentences = observed(cells, neurons)
    for curve in curves(by_depth):
        sentences += _denoting(curve, curve.of(by_depth))
    if not cells.is_empty():
        sentences += _undefined(cells)
    return sentences


def observed(cells: pl.DataFrame, neurons: pl.DataFrame) -> list[str]:
    """Say how many models, layers and neurons the tables hold."""
    columns = ["dataset", "architecture", "trained", "epoch", "object_model", "object_accuracy", "layer"]
    rows = pl.concat([cells.select(columns), neurons.select(columns)]).unique(maintain_order=True)
    rows = rows.sort("dataset", "architecture", "epoch", maintain_order=True)
    if rows.is_empty():
        return ["Nothing was observed: the tables are empty."]
    several = rows.filter("trained")["epoch"].n_unique() > 1
    sentences = []
    for (dataset, architecture, trained, epoch), part in rows.group_by(columns[:4], maintain_order=True):
        models, layers = part["object_model"].n_unique(), part["layer"].n_unique()
        state = "" if trained else "untrained "
        at = f" at epoch {epoch}" if trained and epoch is not None and several else ""
        own = neurons.join(part, on=columns[:4], how="semi", nulls_equal=True).unique(
            ["object_model", "layer", "pooling", "neuron"]
        )
        seen = f", {count(len(own), 'neuron')} in all, {own['live'].sum():,} live" if len(own) else ""
        sentences.append(
            f"{count(models, f'{state}object model')}{at} ({architecture} on {dataset}), "
            f"{count(layers, 'layer')}{seen}; held-out accuracy {_range(part['object_accuracy'])}."
        )
    return sentences


def _range(values: pl.Series) -> str:
    known = values.drop_nulls()
    low, high = known.min(), known.max()
    if not isinstance(low, float) or not isinstance(high, float):
        return "null (not measured)"
    return proportion(low) if proportion(low) == proportion(high) else f"{proportion(low)} to {proportion(high)}"


def _denoting(curve: Curve, rows: pl.DataFrame) -> list[str]:
    """Say what neurons of one curve denote, and its controls."""
    rows = rows.sort("depth", nulls_last=True)
    denoting, live = int(rows["n_denoting"].sum()), int(rows["n_live"].sum())
    if denoting == 0:
        return [
            f"{curve.title}: no neuron denotes by the rule; all {count(live, 'live neuron')} abstain.{_floor(rows)}"
        ]
    shares = [
        f"{proportion(share)} at {layer_words(layer)}"
        for layer, share in rows.filter(pl.col("n_denoting") > 0).select("layer", "share_denoting").iter_rows()
    ]
    sentences = [
        f"{curve.title}: {denoting:,} of {count(live, 'live neuron')} denote, the others abstain; "
        f"share denoting {some(shares, 12)}."
    ]
    return [*sentences, *_controls(curve, rows)]


def _floor(rows: pl.DataFrame) -> str:
    """Say which properties could not have been found, where nothing was."""
    limit = rows["smallest_detectable_proportion"].min()
    if not isinstance(limit, float):
        return ""
    return f" With these rows hardly any neuron could have been found for a property rarer than {proportion(limit)}."


def _controls(curve: Curve, rows: pl.DataFrame) -> list[str]:
    sentences = []
    untrained, rotated = (_mean_share(rows, f"{control}_share_denoting") for control in ("untrained", "rotated"))
    if curve.trained:
        said = "not computed" if untrained is None else f"{proportion(untrained)} of the live neurons denote"
        sentences.append(f"{curve.title}, untrained control: {said}.")
    if rotated is None:
        sentences.append(
            f"{curve.title}, rotated control: not computed, so that single neurons are special is not supported here."
        )
    elif rows.select(says("control_of_some_networks").any()).item():
        sentences.append(
            f"{curve.title}, rotated control: run for some of the networks alone, so that no comparison is made."
        )
    else:
        own = _mean_share(rows.filter(pl.col("rotated_share_denoting").is_not_null()), "share_denoting")
        sentences.append(f"{curve.title}, rotated control: {_against_rotated(own or 0.0, rotated)}")
    return sentences


def _against_rotated(own: float, rotated: float) -> str:
    """Compare the share of neurons that denote with that of random directions."""
    said = f"{proportion(rotated)} of random directions denote against {proportion(own)} of neurons; "
    if proportion(own) != proportion(rotated) and own > rotated:
        return said + f"only the excess, {proportion(own - rotated, 3)}, supports that single neurons are special."
    return said + "there is no excess, so nothing supports that single neurons are special."


def _mean_share(rows: pl.DataFrame, column: str) -> float | None:
    """Share over all layers, weighted by their live neurons."""
    known = rows.filter(pl.col(column).is_not_null())
    live = float(known["n_live"].sum())
    return float((known[column] * known["n_live"]).sum()) / live if live > 0 else None


def _undefined(cells: pl.DataFrame) -> list[str]:
    missing = one_size(cells).filter(pl.col("auroc").is_null(), reads_state())
    if missing.is_empty():
        return []
    reasons = missing["note"].fill_null("no reason given").unique(maintain_order=True).to_list()
    return [f"{count(len(missing), 'cell')} without a score (null): {some(reasons, 3)}."]


ADVICE = (
    "Copies are no independent evidence: intervals and p-values are too good, and across parts what is learned by "
    "heart passes for knowledge. Keep them together: split.group=COLUMN, in Python groups=."
)

SAME = {"exact": ("equals", "equal"), "near": ("nearly equals", "nearly equal")}
"""Words for one row that copies others, and for several."""


def doubts(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Sentences that come first: whether networks know the rows by heart, and which rows are copies of others.

    Args:
        tables: Those of ``tables.JOB_TABLES`` at least.
    """
    return [*trained_on_sentences(tables["cells"], tables["neurons"]), *copies_sentences(tables["duplicates"])]


def level_sentences(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Say what the level of evidence leaves out and how to add it, or that jobs differ in it; else nothing.

    Args:
        tables: Those of ``tables.JOB_TABLES`` at least.
    """
    columns = ["object_model", "evidence_level"]
    rows = pl.concat([tables[name].select(columns) for name in ("cells", "neurons", "layers")]).unique()
    rows = rows.with_columns(pl.col("evidence_level").fill_null(STANDARD.name))
    models = {level: rows.filter(evidence_level=level)["object_model"].n_unique() for level in LEVELS}
    used = {level: number for level, number in models.items() if number}
    checks = "permutations, the check by randomised layers, second searches"
    adds = {
        "left_out_by_level": f"controls (shuffled, rotated, untrained, raw input), {checks}",
        "check_left_out_by_level": checks,
    }
    if set(used) == {QUICK.name}:
        left = [names for code, names in adds.items() if _says(tables, code)]
        return [
            f"evidence=quick leaves out {names}, but for what was asked for by name: the same call with "
            "evidence=standard adds them."
            for names in left[:1]
        ]
    if len(used) < 2:
        return []
    counts = ", ".join(f"{count(number, 'object model')} at evidence={level}" for level, number in used.items())
    return [
        f"Levels of evidence are mixed: {counts}. Controls, null checks and permutations are of the higher level's "
        f"alone: the same command with evidence={[*used][-1]} for all of them adds the others'."
    ]


def _says(tables: Mapping[str, pl.DataFrame], code: str) -> bool:
    return any(tables[name].select(says(code).any()).item() for name in ("cells", "neurons", "scan"))


def trained_on_sentences(cells: pl.DataFrame, neurons: pl.DataFrame) -> list[str]:
    """Say what is known of the rows that networks from outside were trained on, where that must be said."""
    columns = ["dataset", "architecture", "trained_on"]
    networks = pl.concat([cells.select(columns), neurons.select(columns)]).unique(maintain_order=True)
    said = []
    for dataset, architecture, word in networks.drop_nulls("trained_on").sort(columns).iter_rows():
        where = f"{architecture} on {dataset}"
        if word == UNKNOWN:
            said.append(
                f"{where}: whether the network was trained on the rows it is judged on is unknown; on its own training "
                "rows noise denotes. Say which: architecture.trained_on=FILE, in Python trained_on=ROW IDS, or none."
            )
        elif word != NONE:
            said.append(f"{where}: the rows that the network was trained on are left out of fit and test.")
    return said


def copies_sentences(duplicates: pl.DataFrame) -> list[str]:
    """Say which rows are copies of others, a sentence per dataset; nothing where none is."""
    said = []
    for (dataset,), rows in _once(duplicates).filter(pl.col("n_rows") > 0).group_by("dataset", maintain_order=True):
        found = "; ".join(_copies(row) for row in rows.iter_rows(named=True))
        said.append(f"Copies of rows in {dataset}: {found}. {ADVICE}")
    return said


def no_copies_sentences(duplicates: pl.DataFrame) -> list[str]:
    """Of datasets without copies that they have none, and what was not looked at."""
    said = []
    for (dataset,), rows in _once(duplicates).group_by(["dataset"], maintain_order=True):
        why = " ".join(f"({each})" for each in rows["note"].drop_nulls().unique(maintain_order=True))
        if not rows["n_rows"].sum():
            said.append(f"Copies of rows in {dataset}: none beyond chance, exact or near{why and ' ' + why}.")
    return said


def copies_sheet(duplicates: pl.DataFrame) -> Sheet:
    """Copies, pair of parts by pair of parts."""
    columns = [
        *text("dataset", of="compared", kind="kind", part="rows of", other="with a copy in"),
        *whole(n_rows="copies", n_part="of rows"),
        *fine_share("share"),
        *whole(n_examined="looked at", n_equal="equal at all"),
        NOTES,
    ]
    return sheet("copies", columns, duplicates)


def shares(duplicates: pl.DataFrame) -> dict[str, float]:
    """Shares of rows that are copies by ``kind/part-other``, for comparing runs; of several datasets the largest."""
    known = (
        duplicates.drop_nulls("share").group_by("kind", "part", "other", maintain_order=True).agg(pl.col("share").max())
    )
    return {f"copies/{kind}/{part}-{other}": share for kind, part, other, share in known.iter_rows()}


def _once(duplicates: pl.DataFrame) -> pl.DataFrame:
    """Of jobs that dealt the same dataset otherwise the worst; across parts first, *test* first."""
    order = pl.col("part") == pl.col("other")
    return (
        duplicates.sort("n_rows", descending=True, nulls_last=True)
        .unique(["dataset", "kind", "part", "other"], keep="first", maintain_order=True)
        .sort("dataset", "kind", order, pl.col("part") != "test", pl.col("other") != "fit", maintain_order=True)
    )


def _copies(row: Mapping[str, Any]) -> str:
    """``15 of 500 test rows (.03) equal a row of fit``."""
    one, several = SAME[row["kind"]]
    other = "another one" if row["part"] == row["other"] else f"a row of {row['other']}"
    estimated = "about " if row["n_examined"] < row["n_part"] else ""
    of = f"{estimated}{row['n_rows']:,} of {count(row['n_part'], row['part'] + ' row')} ({proportion(row['share'], 3)})"
    return f"{of} {one if row['n_rows'] == 1 else several} {other}"


MOST_NAMED = 10


def missing_sentences(cells: pl.DataFrame) -> list[str]:
    """Say which attributes have fewer test rows than others of their dataset.

    Args:
        cells: Columns of ``tables.CELLS``.
    """
    # The number of rows of a cell that was given equal rows says nothing of missing values.
    whole = cells.filter(~says("equal_rows", "few_equal_rows"))
    rows = whole.group_by("dataset", "attribute", maintain_order=True).agg(pl.col("n_test").max())
    rows = rows.with_columns(missing=pl.col("n_test").max().over("dataset") - pl.col("n_test"))
    sentences = []
    for (dataset,), own in rows.filter(pl.col("missing") > 0).group_by("dataset", maintain_order=True):
        most = count(int((own["n_test"] + own["missing"]).max()), "test row")  # type: ignore[arg-type]
        named = [f"{row['attribute']} {count(row['missing'])}" for row in own.iter_rows(named=True)]
        sentences.append(
            f"{dataset}: missing in at least so many of {most}, which are left out of what is said of "
            f"the attribute: {some(named, MOST_NAMED)}."
        )
    return sentences
