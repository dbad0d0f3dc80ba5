"""Every test row is changed, state and labels: what is learned stays bit for bit. Deterministic."""

from simulations import mutation


def test_test_rows_decide_nothing() -> None:
    test, fit, scores = mutation.run(1)
    assert (test.measured, test.passed) == (0, True)
    assert fit.measured > 100
    assert scores.measured > 0.9
