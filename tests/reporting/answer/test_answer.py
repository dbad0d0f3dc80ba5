"""An answer fits 14 lines of 100 columns whatever was observed, and every number in it is one of the tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

import polars as pl
import pytest
import synthetic_tables as synthetic
from rich.cells import cell_len

from denote.data.trained_on import UNKNOWN
from denote.denotation.depth.plan import verdict_words
from denote.evidence.first_decisive import first_decisive
from denote.evidence.rule import Rule
from denote.interventions.words import NOT_SHOWN, USED, verdict
from denote.notes import Note
from denote.numbers import proportion
from denote.reporting.answer import Answer, answer
from denote.reporting.answer.contents import BELIEVE, CAPTURED, DEPTH, INTERVENED, NEURONS, NEXT, OBSERVED, QUESTIONS
from denote.reporting.answer.fit import INDENT, MOST_LINES, WIDTH, wrapped
from denote.reporting.answer.next_step import OBSERVE
from denote.reporting.answer.used import OWN
from denote.reporting.jobs import Job
from denote.reporting.layer_words import layer_words
from denote.tables import AUDIT, CELLS, DUPLICATES, LAYERS, NULL_CHECK, OF_ROW, joined_notes, remark, table

Tables = dict[str, pl.DataFrame]

COPIES = {
    "dataset": "mnist", "of": "inputs", "kind": "near", "part": "test", "other": "fit", "n_rows": 470, "n_part": 500,
    "share": 0.94, "n_examined": 500,
}  # fmt: skip
HOSTILE = ("[red]" + "ü" * 200, "שלום" * 50, "語" * 200, "a\u202eb\x1b[31m\nc" * 20, "a b " * 50, "<img src=x>")


@pytest.fixture(scope="module")
def made() -> Mapping[tuple[int, int], Tables]:
    """Tables by number of networks and of layers; a verdict on depth takes six networks."""
    made = {size: synthetic.all_tables(*size, 16) for size in ((1, 2), (3, 5), (6, 5))}
    name, share = "label_proportion_by_model", pl.lit(0.01)
    return {size: of | {name: of[name].with_columns(untrained_share_denoting=share)} for size, of in made.items()}


def height(said: Answer) -> int:
    rows = [row for block in said.blocks for line in block.lines for row in wrapped(line, WIDTH - INDENT)]
    assert max(map(cell_len, rows)) <= WIDTH - INDENT
    return len(rows)


def text(said: Answer, question: str) -> str:
    block = said.block(question)
    return "" if block is None else block.text


def renamed(tables: Tables, **names: str) -> Tables:
    """The same of other networks: their names, and keys that differ."""
    changed = {}
    for key, frame in tables.items():
        own = {column: pl.lit(name) for column, name in names.items() if column in frame.columns}
        if "object_model" in frame.columns:
            own["object_model"] = pl.col("object_model") + "".join(names.values())
        changed[key] = frame.with_columns(**own)
    return changed


def put_together(*every: Tables) -> Tables:
    return {name: pl.concat([tables[name] for tables in every]) for name in every[0]}


def without(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """A frame in which a column is unknown."""
    return frame.with_columns(pl.lit(None, frame.schema[column]).alias(column))


def words(said: Answer) -> int:
    numbers = [f"{number.label} {number.value} {number.beside}" for number in said.numbers]
    return len(" ".join([said.question, *said.sentences, *numbers, said.badge]).split())


def own_predictions(neurons: pl.DataFrame) -> pl.DataFrame:
    return neurons.with_columns(**joined_notes(OF_ROW, remark(Note.of("own_predictions"), pl.col("denotes"))))


VARIANTS: dict[str, Callable[[Tables], Tables]] = {
    "as it is": lambda tables: tables,
    "no cells": lambda tables: tables | {name: tables[name].clear() for name in ("cells", "first_decisive", "audit")},
    "one neuron as probe": lambda tables: (
        tables
        | {name: tables[name].filter(pl.col("probe") == "neuron") for name in ("cells", "first_decisive", "audit")}
    ),
    "no neurons": lambda tables: tables | {"neurons": tables["neurons"].clear()},
    "nothing denotes": lambda tables: (
        tables
        | {
            "neurons": tables["neurons"].with_columns(denotes=pl.lit(value=False)),
            "depth_description": tables["depth_description"].clear(),
        }
    ),
    "all dead": lambda tables: (
        tables | {"neurons": tables["neurons"].with_columns(live=pl.lit(value=False), denotes=pl.lit(value=False))}
    ),
    "untrained": lambda tables: {
        name: frame.with_columns(trained=pl.lit(value=False)) if "trained" in frame.columns else frame
        for name, frame in tables.items()
    },
    "no control": lambda tables: (
        tables
        | {"label_proportion_by_depth": synthetic.by_depth_table(tables["neurons"])}
        | {"label_proportion_by_model": without(tables["label_proportion_by_model"], "rotated_share_denoting")}
        | {"audit": tables["audit"].clear()}
    ),
    "full of doubt": lambda tables: (
        tables
        | {
            "null_check": synthetic.null_check_table(1, alarm=True),
            "duplicates": table([COPIES, COPIES | {"kind": "exact"}], DUPLICATES),
            "cells": tables["cells"].with_columns(trained_on=pl.lit(UNKNOWN), converged=pl.lit(value=False)),
        }
    ),
    "ablated": synthetic.ablated,
    "ablated, with doubts": lambda tables: VARIANTS["full of doubt"](
        synthetic.ablated(tables) | {"neurons": own_predictions(synthetic.ablated(tables)["neurons"])}
    ),
    "erased and steered": synthetic.erased_and_steered,
    "erased and steered, with doubts": lambda tables: VARIANTS["full of doubt"](synthetic.erased_and_steered(tables)),
    "nothing to intervene on": synthetic.untouched,
    "several families": lambda tables: (
        tables
        | {
            "neurons": pl.concat(
                [
                    tables["neurons"].with_columns(family=pl.lit(family))
                    for family in ("subsets", "classes", "named", "mine")
                ]
            )
        }
    ),
}


def test_a_layer_whose_name_is_a_number_is_called_a_layer(made: Mapping[tuple[int, int], Tables]) -> None:
    """As modules of ``nn.Sequential``: "at 0" would read as a score."""
    tables = {}
    for name, frame in made[6, 5].items():
        of_layers = [column for column in ("layer", "first_layer", "last_layer") if column in frame.columns]
        tables[name] = frame.with_columns(pl.col(of_layers).str.replace(r"^blocks\.(\d+)$", "$1"))
    said = answer(tables)
    for question in (CAPTURED, NEURONS, DEPTH):
        assert re.search(r"\blayer \d\b", text(said, question)), text(said, question)
        assert not re.search(r"(\bat|^|\bby) \d+( |$)", text(said, question)), text(said, question)
    assert layer_words("features.0") == "features.0"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("failed", [False, True])
def test_it_fits_whatever_was_observed(made: Mapping[tuple[int, int], Tables], variant: str, failed: bool) -> None:
    jobs = [Job("a", "finished"), *([Job("b" * 90, "failed", "why " * 80), Job("c", "killed")] if failed else [])]
    for tables in made.values():
        said = answer(VARIANTS[variant](tables), jobs, folder=Path("multirun/demo/sweep"), command="denote -m seed=0,1")
        assert height(said) <= MOST_LINES
        asked = [block.question for block in said.blocks]
        assert asked == [question for question in QUESTIONS if question in asked]
        assert {OBSERVED, NEXT} <= set(asked)
        assert all(
            line and "None" not in line for block in said.blocks for line in block.lines if "None of" not in line
        )
        assert len(said.sentences) <= 4 + (INTERVENED in asked)
        assert len(said.numbers) <= 4
        assert words(said) <= 150
        assert (BELIEVE in asked) == bool(said.doubts)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_any_length_and_script_are_shortened_and_lie_flat(
    made: Mapping[tuple[int, int], Tables], name: str
) -> None:
    tables = renamed(made[3, 5], dataset=name, architecture=name, layer=name, neuron_name=name, attribute=name,
                     first_layer=name, property=name)  # fmt: skip
    said = answer(tables, [Job(name, "failed", name)], folder=Path("f"), warnings=[name])
    assert height(answer(tables, folder=Path("f"))) <= MOST_LINES
    whole = "".join(line for block in said.blocks for line in block.lines if block.question != BELIEVE)
    assert not set("\x1b\n\u202e") & set(whole)
    assert len(name) < 28 or name not in whole
    assert len(name) < 28 or "…" in whole


def kinds_of(base: Tables, number: int, column: str) -> Tables:
    """Networks of several datasets or architectures, in which ever fewer attributes and neurons are found."""
    every = []
    for index in range(number):
        tables = renamed(base, **{column: f"name-{index:02}"})
        lost = tables["first_decisive"]["attribute"].unique().sort()[: index % 3]
        decisive = pl.col("decisive") & ~pl.col("attribute").is_in(lost.implode())
        every.append(
            tables
            | {
                "neurons": tables["neurons"].with_columns(denotes=pl.col("denotes") & (pl.col("neuron") > index)),
                "cells": tables["cells"].with_columns(decisive=decisive),
            }
        )
    return put_together(*every)


@pytest.mark.parametrize(
    ("number", "column"), [(1, "dataset"), (2, "architecture"), (3, "dataset"), (4, "architecture"), (10, "dataset")]
)
def test_up_to_three_kinds_of_networks_have_a_line_each_then_they_are_counted(
    made: Mapping[tuple[int, int], Tables], number: int, column: str
) -> None:
    said = answer(kinds_of(made[3, 5], number, column), folder=Path("f"))
    assert height(said) <= MOST_LINES
    assert words(said) <= 150
    block = said.block(NEURONS)
    assert block is not None
    of = [line.partition(":")[0] for line in block.lines if not line.startswith("Denotes")]
    if number == 1:
        assert len(block.lines) == 4
    elif number <= 3:
        assert of == [f"name-{index:02}" for index in range(number)]
    else:
        assert len(of) == 1
        assert "name-00" in block.text
        assert (" more." in block.text) == (number == 10)


def test_of_equals_all_names_stand_before_one_line(made: Mapping[tuple[int, int], Tables]) -> None:
    alike = [renamed(made[3, 5], architecture=f"name-{index}") for index in range(5)]
    assert text(answer(put_together(*alike[:2])), OBSERVED).startswith("name-0 and name-1: 3 networks, 5 layers")
    said = text(answer(put_together(*alike)), CAPTURED)
    assert said.startswith("All (name-0, name-1, name-2, name-3 and name-4): 3 of 6 attributes decisive.")


def test_every_number_is_that_of_the_tables(made: Mapping[tuple[int, int], Tables]) -> None:
    for tables in made.values():
        said = answer(tables, most_lines=40)
        neurons, cells = tables["neurons"], tables["cells"].filter(pl.col("probe") == "linear")
        hidden = neurons.filter(pl.col("layer") != "logits")
        denoting, live = len(hidden.filter("denotes")), len(hidden.filter("live"))
        some = f"{denoting} of {live} live hidden neurons ({proportion(denoting / live)})"
        assert (some if denoting else f"None of {live} live hidden neurons") in text(said, NEURONS)
        assert f"reads {decisive_somewhere(cells)} attributes decisively" in text(said, CAPTURED)
        assert said.numbers[0].value == decisive_somewhere(cells)
        assert f"Mean AUROC {proportion(cells['auroc'].mean())} (raw input .96, untrained" in text(said, CAPTURED)
        n_models = neurons["object_model"].n_unique()
        assert f"{n_models} network" in text(said, OBSERVED)
        for row in tables["depth_description"].drop_nulls("layer").iter_rows(named=True):
            assert f"{proportion(row['label_proportion_mean'])}" in text(said, DEPTH)
        for line in said.block(NEURONS).lines[1:]:  # type: ignore[union-attr]
            layer, _, unit = line.partition(":")[0].split()
            of = neurons.filter("denotes", pl.col("layer") == layer, pl.col("neuron") == int(unit))
            assert any(f"balanced accuracy {proportion(score)} [" in line for score in of["balanced_accuracy"])


def decisive_somewhere(cells: pl.DataFrame) -> str:
    """Attributes that are decisive at some hidden layer in half of the networks or more, counted plainly."""
    hidden = cells.filter(pl.col("layer") != "logits")
    found = {
        attribute
        for (attribute, _), rows in hidden.group_by("attribute", "layer")
        if (known := rows["decisive"].drop_nulls().to_list()) and sum(known) >= len(known) / 2
    }
    scored = hidden.drop_nulls("decisive")["attribute"].n_unique()
    return f"{len(found)} of {scored}"


WORDS = {"stays": "XXXX.", "odd": "XX...", "once": "..X..", "NOT odd": ".....", "head": "....X", "rare": "?????"}
"""Hidden layers, then the head, at which attributes are decisive; ``?`` has no score."""


def planted(*models: str) -> Tables:
    """Tables of a linear probe with known answers, alike in all networks but that ``stays`` is in the first only."""
    rows: list[dict[str, object]] = [
        {
            "dataset": "d", "architecture": "a", "trained": True, "object_model": model, "layer": f"layer_{depth + 1}",
            "depth": depth, "relative_depth": depth / 4, "pooling": "none", "probe": "linear", "probe_seed": 0,
            "attribute": attribute, "family": "named", "label_proportion": 0.5, "n_test": 100,
            "decisive": None if sign == "?" else sign == "X" and (attribute != "stays" or model == models[0]),
            "auroc": None if sign == "?" else 0.9,
        }
        for model in models for attribute, word in WORDS.items() for depth, sign in enumerate(word)
    ]  # fmt: skip
    cells = table(rows, CELLS)
    layers = cells.select(pl.col(name) for name in CELLS if name in LAYERS).unique(["object_model", "layer"])
    layers = table(layers.with_columns(is_head=pl.col("depth") == 4).to_dicts(), LAYERS)
    return synthetic.empty_tables() | {
        "cells": cells, "layers": layers, "first_decisive": first_decisive(cells, layers),
    }  # fmt: skip


def test_attributes_are_counted_where_they_are_decisive_and_those_lost_or_without_a_score_are_said() -> None:
    said = text(answer(planted("m"), most_lines=40), CAPTURED)
    assert said.startswith("A linear probe reads 3 of 5 attributes decisively (balanced accuracy >= .95")
    assert "25 rows each way) at a hidden layer; odd and stays first at layer_1, once first at layer_3" in said
    assert "; lost by layer_4: odd and once; 2 at two layers in a row" in said
    assert "; never: not odd and head; 1 more could not be scored." in said
    assert "Numbers of rows differ" not in said
    assert answer(planted("m")).numbers[0].value == "3 of 5"
    assert answer(planted("m")).numbers[0].beside == "1 more could not be scored; raw input not compared"
    unequal = planted("m")
    unequal["first_decisive"] = unequal["first_decisive"].with_columns(equal_rows=pl.lit(value=False))
    assert "Numbers of rows differ, which moves this, too." in text(answer(unequal, most_lines=40), CAPTURED)


@pytest.mark.parametrize(
    ("models", "number", "whose"),
    [("mn", 3, "in one or both networks"), ("mno", 2, "in most networks"), ("mnop", 2, "in half the networks or more")],
)
def test_how_many_networks_an_attribute_takes_is_said_with_the_number(models: str, number: int, whose: str) -> None:
    tables = planted(*models)
    assert tables["first_decisive"]["decisive_at"].count() == number
    assert f"reads {number} of 5 attributes decisively at a hidden layer {whose}" in answer(tables).sentences[1]


def test_comparisons_with_the_input_are_counted_beside_what_chance_gives() -> None:
    tables = planted("m")
    verdicts = ["more than the input"] * 2 + ["less than the input"] + ["undecided"] * 37
    rows = [
        {"dataset": "d", "architecture": "a", "trained": True, "probe": "linear", "attribute": "odd",
         "verdict": verdict, "input_gain": 0.1}
        for verdict in verdicts
    ]  # fmt: skip
    said = answer(tables | {"audit": table(rows, AUDIT)}).sentences[1]
    assert "Beside the input: 2 of 40 comparisons better, 1 worse (by chance up to 2)." in said


def test_an_accuracy_never_stands_alone(made: Mapping[tuple[int, int], Tables]) -> None:
    tables = made[3, 5]
    unknown = tables | {"on_rates": tables["on_rates"].clear()}
    assert "(guessing not known)" in text(answer(unknown), OBSERVED)
    assert "guessing not known" in [number.beside for number in answer(unknown).numbers]


def test_random_directions_stand_beside_the_neurons_with_what_is_sure_of_the_excess(
    made: Mapping[tuple[int, int], Tables],
) -> None:
    tables = made[3, 5]
    by_model = tables["label_proportion_by_model"]
    often = by_model.with_columns(rotated_share_denoting=pl.col("share_denoting") - 0.1)
    seldom = by_model.with_columns(rotated_share_denoting=pl.col("share_denoting"))
    assert "(excess +.10 [+.10, +.10])" in text(answer(tables | {"label_proportion_by_model": often}), NEURONS)
    assert "(no clear excess: .00 [" in text(answer(tables | {"label_proportion_by_model": seldom}), NEURONS)
    bare = answer(VARIANTS["no control"](tables), most_lines=40)
    assert "random directions not compared" in text(bare, NEURONS)
    assert any("nothing shows that single neurons are special" in doubt.text for doubt in bare.doubts)


@pytest.mark.parametrize("n_models", [1, 3])
def test_few_networks_are_described_and_told_what_an_answer_needs(
    made: Mapping[tuple[int, int], Tables], n_models: int
) -> None:
    said = text(answer(made[(1, 2) if n_models == 1 else (3, 5)], most_lines=40), DEPTH)
    if n_models == 1:  # what lacks first are neurons that denote, which more networks do not have either
        assert said.startswith("Too few neurons denote")
        assert said.endswith("A verdict takes 6 networks, too; here is 1.")
    else:
        assert "(descriptive)" in said
        assert "3 networks cannot answer whether it depends on depth; 6 or more of one architecture would." in said


def test_a_verdict_is_the_tables_own_after_the_plain_sentence(made: Mapping[tuple[int, int], Tables]) -> None:
    tables = made[6, 5]
    verdict = tables["depth_verdicts"].filter(family="subsets").row(0, named=True)
    said = text(answer(tables, most_lines=40), DEPTH)
    assert said.startswith("Label proportion (share of inputs with what a neuron denotes) is on average .")
    asked = said.index("Does it depend on depth?")
    assert verdict_words(verdict["verdict"])[:12].lower() in said[asked:].lower()
    assert f"{verdict['n_models']} networks, planned" in said[asked:]


def test_an_alarm_comes_first_and_decides_the_badge(made: Mapping[tuple[int, int], Tables]) -> None:
    said = answer(VARIANTS["full of doubt"](made[3, 5]))
    assert [doubt.level for doubt in said.doubts][:2] == ["alarm", "alarm"]
    assert said.badge == "do not believe it"
    assert text(said, BELIEVE).startswith("Null check: 7 of 20")
    one = answer(made[3, 5], [Job("a", "finished"), Job("b", "failed", "no layer '[bold]'")])
    assert one.badge == "read with care"
    assert "1 of 2 jobs is missing: failed (no layer '[bold]')" in text(one, BELIEVE)
    refused = Job("c", "refused", "it differs in probe.linear.l2; allowed: equal values, or another sweep_name")
    assert "another sweep_name" in text(answer(made[3, 5], [Job("a", "finished"), refused]), BELIEVE)
    assert "The same command runs" not in text(answer(made[3, 5], [Job("a", "finished"), refused]), BELIEVE)
    both = answer(made[3, 5], [Job("a", "finished"), Job("b", "failed", "no disk"), refused])
    assert "The same command runs those but the refused" in text(both, BELIEVE)
    again = answer(made[3, 5], [Job("a", "finished"), Job("a (again)", "failed", "no disk", again=True)])
    assert "1 job could not be made again, and earlier results stay: failed (no disk)." in text(again, BELIEVE)


def test_a_check_that_was_not_made_is_no_reason_to_believe(made: Mapping[tuple[int, int], Tables]) -> None:
    unseen = COPIES | {"n_rows": 0, "share": 0.0, "n_examined": 0, "note": "not looked for: <b>"}
    seen = table([unseen | {"n_examined": 500}], DUPLICATES)
    whole = answer(made[3, 5] | {"duplicates": seen}, [Job("a", "finished")])
    assert whole.badge == "nothing found that speaks against it"
    assert whole.unchecked == ()
    assert "null check of the cells (20 replicates with shuffled labels)" in whole.checked
    assert "copied rows of mnist (inputs, near)" in whole.checked
    assert "accuracy of mlp-4x32-relu on mnist against chance" in whole.checked
    assert "how 1 job ended" in whole.checked
    cells = {"scan": "cells", "n_replicates": 0, "note": "no cell with a shuffled control was tested"}
    none = {"null_check": table([cells], NULL_CHECK), "duplicates": table([unseen], DUPLICATES)}
    unknown = renamed(made[3, 5])
    for name in ("cells", "neurons", "layers"):
        unknown[name] = unknown[name].with_columns(object_accuracy=pl.lit(None, pl.Float64))
    said = answer(unknown | none)
    assert said.doubts == ()
    assert said.badge == "nothing found, but not all was checked"
    assert said.checked == ()
    assert said.unchecked == (
        "null check of the cells: no cell with a shuffled control was tested",
        "copied rows of mnist (inputs, near): not looked for: <b>",
        "accuracy of mlp-4x32-relu on mnist against chance",
    )
    assert answer(made[3, 5] | {name: made[3, 5][name].clear() for name in none}).unchecked == (
        "null check", "copied rows",
    )  # fmt: skip


def test_few_copies_are_a_caution_and_many_an_alarm(made: Mapping[tuple[int, int], Tables]) -> None:
    for share, level in ((0.003, "caution"), (0.1, "alarm")):
        copies = table([COPIES | {"n_rows": round(500 * share), "share": share}], DUPLICATES)
        (doubt,) = answer(made[3, 5] | {"duplicates": copies}).doubts
        assert doubt.level == level
        assert "split.group=COLUMN (Python: groups=)" in doubt.text


def test_the_next_command_goes_on_from_the_one_that_was_typed(
    made: Mapping[tuple[int, int], Tables], tmp_path: Path
) -> None:
    (tmp_path / "report.html").touch()

    def step(tables: Tables, command: str, *jobs: Job) -> str:
        block = answer(tables, jobs, folder=tmp_path, command=command, most_lines=40).block(NEXT)
        assert block is not None
        assert block.lines[0] == str(tmp_path / "report.html")
        return block.lines[1]

    more = "A verdict on depth: denote -m experiment=demo seed=0,1,2,3,4,5,6,7"
    assert step(made[3, 5], "denote experiment=demo seed=0,1,2") == more
    assert step(made[3, 5], "").endswith("the same command with -m seed=0,1,2,3,4,5,6,7")
    long = "denote -m 'attribute.where=\"class IN (0, 6)\"' " + " ".join(f"key{i}=value" for i in range(9))
    assert step(made[3, 5], long).endswith("the same command with -m seed=0,1,2,3,4,5,6,7")
    assert step(made[6, 5], "denote -m seed=0").endswith("denote -m seed=0 evidence=full")
    quick = made[3, 5] | {"layers": made[3, 5]["layers"].with_columns(evidence_level=pl.lit("quick"))}
    assert step(quick, "denote -m seed=0 evidence=quick").endswith("denote -m seed=0 evidence=standard")
    assert step(quick, OBSERVE) == 'Controls: observe(..., evidence="standard")'
    assert "denote" not in step(made[3, 5], OBSERVE)
    assert step(made[3, 5], "denote", Job("a", "failed")).endswith("What is missing: denote")
    assert "What is missing" not in step(made[3, 5], "denote", Job("a", "refused"))


def test_nothing_observed_is_said(made: Mapping[tuple[int, int], Tables]) -> None:
    said = answer({name: frame.clear() for name, frame in made[1, 2].items()})
    assert [block.lines for block in said.blocks] == [("Nothing was observed: the tables are empty.",)]
    assert said.sentences == ("Nothing was observed: the tables are empty.",)


def test_a_rule_of_ones_own_is_told(made: Mapping[tuple[int, int], Tables]) -> None:
    said = answer(made[3, 5], rule=Rule(0.9, 0.8, 0.01, 50), most_lines=40)
    assert "balanced accuracy >= .90, lower bound >= .80, q <= .01, 50 rows each way" in text(said, CAPTURED)
    assert "tested against .80 (q <= .01), 50 rows each way, on about as often" in text(said, NEURONS)


def test_the_tallest_answers_are_shortened_evenly() -> None:
    from denote.reporting.answer.fit import Draft, fitted

    versions = [["x " * 45 * lines] for lines in (4, 3, 2, 1)]
    for most, n_blocks in product((4, 7, 9, 16), (2, 4)):
        blocks = fitted([Draft(str(index), versions) for index in range(n_blocks)], most)
        heights = [len(wrapped(line, WIDTH - INDENT)) for block in blocks for line in block.lines]
        assert sum(heights) <= max(most, n_blocks)
        assert max(heights) - min(heights) <= 1


def test_neurons_and_observers_that_the_network_uses_are_counted_where_they_were_ablated(
    made: Mapping[tuple[int, int], Tables],
) -> None:
    plain, tables = made[3, 5], synthetic.ablated(made[3, 5])
    assert answer(plain).block(INTERVENED) is None
    said = answer(tables, most_lines=40)

    def counted(table: pl.DataFrame) -> tuple[str, str]:
        hidden = table.filter(pl.col("layer") != "logits").with_columns(verdict=verdict()).drop_nulls("verdict")
        effect = proportion(hidden["ablation_effect"].mean())  # type: ignore[arg-type] # a number
        return f"{(hidden['verdict'] == USED).sum()} of {len(hidden)}", effect

    observers, of_observers = counted(tables["cells"].filter(probe="linear"))
    neurons, of_neurons = counted(tables["neurons"].filter("denotes"))
    assert text(said, INTERVENED) == (
        f"Shown to be used (what resampling costs): what {observers} observers read ({of_observers} of the score on "
        f"its rows, random .01), {neurons} neurons that denote ({of_neurons} of the score on its rows, random .01)."
    )
    assert f"Shown to be used: what {observers} observers read, {neurons} neurons." in answer(tables).sentences
    nothing = tables["cells"].with_columns(pl.col("causal_evidence").str.replace(f"^{USED}:", f"{NOT_SHOWN}:"))
    said_of_none = " ".join(answer(tables | {"cells": nothing}).sentences)
    assert f"Shown to be used: nothing that {observers.split()[-1]} observers read, " in said_of_none
    assert not any("itself predicts" in doubt.text for doubt in said.doubts)
    for code, what in OWN.items():
        noted = tables["neurons"].with_columns(**joined_notes(OF_ROW, remark(Note.of(code), pl.col("denotes"))))
        told = answer(tables | {"neurons": noted})
        assert [f"of {what}, not of what is right" in doubt.text for doubt in told.doubts].count(True) == 1
