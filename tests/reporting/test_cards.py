"""Cards say every number of their row, say what is missing, and claim no more than the rule."""

import re

import polars as pl
import pytest
import synthetic_tables as synthetic
from hypothesis import given
from hypothesis import strategies as st

from denote.evidence.cells import decide_cells
from denote.evidence.rule import Rule
from denote.interventions.words import BY_ERASURE, ERASING
from denote.notes import Note, older_codes
from denote.reporting.cards import cards, cell_cards, neuron_cards
from denote.tables import CELLS, NEURONS, table

ROW = {
    "dataset": "mnist", "architecture": "mlp-8x32-relu", "seed": 3, "layer": "blocks.2", "trained": True,
    "probe": "linear",
    "attribute": "odd", "label_proportion": 0.204, "n_fit": 12_000, "n_test": 1000, "n_positive_fit": 2400,
    "n_positive_test": 204, "auroc": 0.971, "auroc_low": 0.961, "auroc_high": 0.982, "balanced_accuracy": 0.955,
    "balanced_accuracy_low": 0.91, "balanced_accuracy_interval_low": 0.902, "balanced_accuracy_interval_high": 0.988,
    "accuracy": 0.953, "majority_accuracy": 0.796, "control_auroc": 0.503, "selectivity": 0.468,
    "selectivity_low": 0.441, "selectivity_high": 0.492, "untrained_auroc": 0.72, "input_auroc": 0.81,
    "rotated_auroc": 0.65, "random_subset_percentile": 0.85, "control_task_auroc": 0.55, "detectable_auroc": 0.584,
    "detectable_proportion": 0.074, "q_value": 0.0321, "n_tests": 1360, "converged": True, "decisive": True,
}  # fmt: skip


def card(**changes: object) -> str:
    if note := changes.get("note"):
        changes["note"] = Note(str(note), older_codes(str(note)).split("; "))
    said = cell_cards(table([ROW | changes], CELLS), Rule())["card"][0]
    assert isinstance(said, str)
    return said


def test_a_cell_says_all_its_numbers() -> None:
    said = card()
    for words in (
        "odd, linear probe at blocks.2 (mnist, mlp-8x32-relu, seed 3): decisive by the rule.",
        "12,000 fit (2,400 positive), 1,000 test (204 positive, label proportion .20)",
        "AUROC .97 [.96, .98]", "balanced accuracy .96 [.90, .99], at least .91 (one-sided 95 %);",
        "accuracy .95, majority .80", "shuffled .50",
        "untrained .72", "raw input .81", "rotated .65", "control task .55", "selectivity .47 [.44, .49]",
        "Of random class subsets of its size, .85 score lower.", "q = .032 over 1,360 tests",
        "Detectable with power .8: AUROC .58, label proportion .07.", "The fit converged.",
        "Causal evidence: not tested.",
    ):  # fmt: skip
        assert words in said
    assert len(said.split()) <= 95


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("control_auroc", "shuffled not run"), ("untrained_auroc", "untrained not run"),
        ("input_auroc", "raw input not run"), ("rotated_auroc", "rotated not run"), ("selectivity", "selectivity null"),
        ("selectivity_low", "selectivity .47."), ("accuracy", "accuracy null, majority .80"),
        ("q_value", "Not tested."),
        ("balanced_accuracy_low", "at least null (one-sided 95 %)"),
        ("detectable_auroc", "AUROC null, label proportion .07"), ("converged", "Convergence: not recorded."),
        ("n_fit", "Rows: null fit"), ("label_proportion", "label proportion null"),
        ("balanced_accuracy_interval_low", "balanced accuracy .96, at least"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_to_be(column: str, words: str) -> None:
    assert words in card(**{column: None})


def test_the_reasons_end_the_card_and_a_cell_without_score_claims_nothing() -> None:
    reason = "untrained_auroc: no untrained twin has more than 16 live neurons"
    assert card(note=reason).endswith(f"Causal evidence: not tested. Notes: {reason}.")
    said = card(auroc=None, balanced_accuracy=None, decisive=None, note="too few positive rows in test (12 < 20)")
    assert ": not scored." in said
    assert "too few positive rows in test" in said
    assert "AUROC" not in said
    assert "did NOT converge" in card(converged=False)


shares = st.sampled_from([0.5, 0.89999, 0.9, 0.94989, 0.95, 0.99])
rows_of_a_label = st.sampled_from([3, 24, 25, 400])


@given(
    balanced=st.none() | shares, low=st.none() | shares, p=st.none() | st.sampled_from([1e-9, 0.04, 0.0501, 0.2]),
    positive=st.tuples(rows_of_a_label, rows_of_a_label), negative=st.tuples(rows_of_a_label, rows_of_a_label),
)  # fmt: skip
def test_a_cell_that_is_not_decisive_says_which_condition_failed_and_no_other_does(
    balanced: float | None, low: float | None, p: float | None, positive: tuple[int, int], negative: tuple[int, int]
) -> None:
    row = ROW | {
        "balanced_accuracy": balanced, "balanced_accuracy_low": low, "p_value": p, "n_positive_fit": positive[0],
        "n_positive_test": positive[1], "n_fit": positive[0] + negative[0], "n_test": positive[1] + negative[1],
    }  # fmt: skip
    decided = cell_cards(decide_cells(table([row], CELLS), Rule()), Rule())
    said, decisive = decided["card"][0], decided["decisive"][0]
    reasons = {
        r"balanced accuracy (\S+) below .95|balanced accuracy null": balanced is None or balanced < 0.95,
        r"lower bound (\S+) below .90|lower bound null": low is None or low < 0.9,
        r"q (\S+) above .05|q null": p is None or p > 0.05,
        "fewer than 25 rows of a label": min(*positive, *negative) < 25,
    }
    if decisive is None:
        assert ": not scored." in said
        return
    assert decisive == (": decisive by the rule." in said)
    assert decisive == (not any(reasons.values()))
    verdict = said.partition(" Rows:")[0].rpartition(": ")[2].rstrip(".")
    named = [] if decisive else verdict.split(", ")
    assert len(named) == sum(reasons.values())
    for reason, failed in reasons.items():
        assert any(re.fullmatch(reason, name) for name in named) == failed


@pytest.mark.parametrize(
    ("column", "value", "verdict", "body"),
    [
        ("balanced_accuracy", 0.94989, "balanced accuracy .9499 below .95", "balanced accuracy .9499 ["),
        ("balanced_accuracy", 0.949, "balanced accuracy .949 below .95", "balanced accuracy .949 ["),
        ("balanced_accuracy_low", 0.897, "lower bound .897 below .90", "at least .897 (one-sided 95 %)"),
        ("q_value", 0.05004, "q .05004 above .05", "q = .05004 over"),
    ],
)
def test_rounding_never_lifts_a_number_to_the_threshold_that_it_misses(
    column: str, value: float, verdict: str, body: str
) -> None:
    said = card(**{column: value, "decisive": False})
    assert f"not decisive by the rule: {verdict}." in said
    assert body in said


@pytest.mark.parametrize(
    "note",
    [
        "control=random_subset is off", "randomised_similarity: the check is off", "description_bits: curves are off",
        "rotated_auroc: a rotation changes nothing that this probe can read",
    ],
)  # fmt: skip
def test_what_was_not_asked_for_is_no_note_but_all_else_is(note: str) -> None:
    assert "Notes:" not in card(note=note)
    for kept in (
        "equal rows: 40 of each label",
        "groups: 25 groups in test",
        "l2: the smallest of the list was chosen",
    ):
        assert card(note=f"{note}; {kept}").endswith(f"Notes: {kept}.")
        assert card(note=f"{kept}; {note}; {kept}").endswith(f"Notes: {kept}; {kept}.")


def test_a_control_that_cannot_apply_is_not_called_missing() -> None:
    absent = card(
        rotated_auroc=None, note=f"{Note.of('rotated_alike')}; control=untrained is off", untrained_auroc=None
    )
    assert "untrained not run, raw input .81, rotated does not apply" in absent
    assert "Notes:" not in absent
    assert "rotated not run" in card(rotated_auroc=None, note="control=rotated is off")


def test_controls_that_ran_stand_on_the_card_and_others_do_not() -> None:
    bare = card(
        random_subset_percentile=None, control_task_auroc=None, note="control_task_auroc: the data has no types"
    )
    assert "random class subsets" not in bare
    assert "control task" not in bare
    assert "Notes: control_task_auroc: the data has no types." in bare


def test_the_rule_in_force_is_named() -> None:
    row = ROW | {"decisive": False, "balanced_accuracy": 0.8}
    said = cell_cards(table([row], CELLS), Rule(decisive=0.855, min_rows=300))["card"][0]
    assert "not decisive by the rule: balanced accuracy .80 below .855, fewer than 300 rows of a label." in said


def test_only_neurons_that_denote_have_a_card() -> None:
    found = neuron_cards(synthetic.neuron_table(2, 3, 16))
    denotes = found["denotes"].fill_null(value=False)
    assert denotes.any()
    assert not denotes.all()
    assert (found["card"].is_not_null() == denotes).all()


def test_all_cards_of_decisive_cells_and_denoting_neurons_are_one_frame() -> None:
    cells, neurons = synthetic.cell_table(2, 3), synthetic.neuron_table(2, 3, 16)
    frame = cards(cells, neurons, Rule())
    of_cells, of_neurons = frame.filter(pl.col("neuron").is_null()), frame.drop_nulls("neuron")
    assert len(of_cells) == cells["decisive"].sum()
    assert len(of_neurons) == neurons["denotes"].sum()
    assert of_cells["card"].str.contains(": decisive by the rule.").all()
    assert of_neurons["card"].str.contains(" denotes ").all()
    assert set(of_neurons["property"]) <= set(neurons["property"])


NEURON = {
    "architecture": "mlp", "seed": 1, "trained": True, "layer": "blocks.0", "neuron": 7, "property": "class in {1, 7}",
    "label_proportion": 0.2, "n_fit": 1000, "n_test": 1000, "n_positive_fit": 210, "n_positive_test": 200,
    "balanced_accuracy": 0.973, "balanced_accuracy_interval_low": 0.951, "balanced_accuracy_interval_high": 0.983,
    "tpr": 0.96, "tpr_low": 0.93, "tpr_high": 0.98, "tnr": 0.986, "tnr_low": 0.97, "tnr_high": 0.99,
    "majority_accuracy": 0.8, "control_balanced_accuracy": 0.52, "untrained_balanced_accuracy": 0.7,
    "input_balanced_accuracy": 0.81, "rotated_share": 0.24, "selectivity": 0.45, "selectivity_low": 0.42,
    "selectivity_high": 0.48, "q_value": 1e-7, "n_tests": 700, "rival": "ink > 0.31", "rival_balanced_accuracy": 0.88,
    "detectable_balanced_accuracy": 0.962, "denotes": True,
}  # fmt: skip


def test_a_neuron_says_all_its_numbers_and_what_is_missing() -> None:
    said = neuron_cards(table([NEURON], NEURONS))["card"][0]
    for words in (
        "blocks.0 (mlp, seed 1), neuron 7 denotes class in {1, 7} by the rule.",
        "1,000 fit (210 positive), 1,000 test (200 positive, label proportion .20)",
        "Balanced accuracy .97 [.95, .98], TPR .96 [.93, .98], TNR .99 [.97, .99]; majority accuracy .80.",
        "shuffled .52, untrained .70, raw input .81, rotated: .24 of directions denote; selectivity .45 [.42, .48]",
        "q < .001 over 700 tests.", "Best rival: ink > 0.31 (.88).", "balanced accuracy .96.",
        "Causal evidence: not tested.",
    ):  # fmt: skip
        assert words in said
    assert len(said.split()) <= 90
    bare = {k: v for k, v in NEURON.items() if k in ("layer", "neuron", "property", "denotes")}
    said = neuron_cards(table([bare], NEURONS))["card"][0]
    for words in (
        "blocks.0 (network), neuron 7 denotes", "Balanced accuracy null", "rotated: not run", "Best rival: not run.",
        "Not tested.",
    ):  # fmt: skip
        assert words in said


def test_empty_tables_stay_empty() -> None:
    assert cell_cards(table([], CELLS), Rule()).is_empty()
    assert neuron_cards(table([], NEURONS)).schema == pl.Schema({**NEURONS, "card": pl.String})


def test_cards_say_what_ablation_showed_and_why_it_was_not_tested() -> None:
    tables = synthetic.ablated(synthetic.all_tables(1, 5, 32))
    outputs = tables["layers"].filter("is_head")["layer"].unique().implode()
    of_output = pl.col("layer").is_in(outputs)
    said = neuron_cards(tables["neurons"].filter("denotes", of_output))["card"]
    assert said.str.contains("Causal evidence: not tested, as it is an output of the network: resampling").any()
    said = neuron_cards(tables["neurons"].filter("denotes", of_output.not_())).select("neuron", "card").rows()
    used = "Causal evidence: used: resampling it from other inputs costs .56 [.50, .61] of the score on its rows, "
    assert any(f"{used}random neurons .01; corrected p .0" in card for _, card in said)
    for number, card in said:
        if number % 5 == 4:
            assert "Causal evidence: not tested, as too few test rows have the property: resampling it" in card
            assert "Notes: ablation_effect: 12 test rows with the property" in card
        elif number % 2:
            assert "Causal evidence: not shown to be used: resampling it from other inputs costs .00 [" in card
        else:
            assert used in card
    cells = cell_cards(tables["cells"].filter("decisive", probe="linear"), Rule())
    assert cells["card"].str.contains("random directions .01").any()
    assert not cells["card"].str.contains("random neurons").any()


def test_what_a_network_predicts_itself_is_called_so() -> None:
    effects = {f"ablation_{name}": 0.2 for name in ("effect", "low", "high", "random", "p", "q")}
    told = "used: resampling costs .20 of the score on its rows, random .20"
    said = card(**effects, causal_evidence=told)
    assert "costs .20 [.20, .20] of the score on its rows, random directions .20; corrected p .200." in said
    for code, words in {"own_predictions": "what it predicts", "own_outputs": "the variance of its outputs"}.items():
        noted = {"causal_evidence": told, "note": Note.of(code)}
        (text,) = cell_cards(table([ROW | effects | noted], CELLS), Rule())["card"]
        assert f"of {words} on its rows" in text


def test_a_card_says_what_erasing_an_attribute_costs_whether_or_not_it_was_ablated() -> None:
    erased = f"{ERASING} .10 of the score, random .00; it comes back at hidden_2"
    assert f"Causal evidence: not tested; {erased}." in card(causal_evidence=f"erased: {erased}")
    assert f"Causal evidence: {BY_ERASURE}: {erased}." in card(causal_evidence=f"{BY_ERASURE}: {erased}")
    effects = {f"ablation_{name}": 0.2 for name in ("effect", "low", "high", "random", "p", "q")}
    both = card(**effects, causal_evidence=f"used: resampling costs .20 of the score on its rows, random .20; {erased}")
    assert f"corrected p .200; {erased}." in both
