"""Steps say how they stand and how long the rest takes, on a clock that the test sets."""

from collections.abc import Iterator

import pytest

from denote import progress
from denote.progress.steps import Step, Steps, clock_time, current, time_left, words


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def steps(clock: Clock) -> Iterator[Steps]:
    """The steps that are shown."""
    shown = Steps(clock)
    token = current.set(shown)
    yield shown
    current.reset(token)


def after(step: Step, clock: Clock, *seconds: float) -> Step:
    """Do units that take so long."""
    for each in seconds:
        clock.now += each
        step.advance()
    return step


def test_nested_steps_are_told_from_the_outermost_on(steps: Steps) -> None:
    assert words(steps.open) == "preparing"
    with progress.step("job", 3), progress.step("observers"):
        progress.advance(detail="of what is innermost")
        told = [words(steps.open) for _ in progress.counted("layer", ["a", "b"])]
        outer = "job 1 of 3 > observers 2, of what is innermost"
        assert told == [f"{outer} > layer 1 of 2", f"{outer} > layer 2 of 2"]
    assert steps.open == []


def test_steps_end_with_their_block_however_it_ends(steps: Steps) -> None:
    with pytest.raises(ZeroDivisionError), progress.step("outer"):
        _ = [1 / divisor for divisor in progress.counted("inner", range(3))]
    assert steps.open == []
    for _ in progress.counted("left early", range(3)):
        break
    assert steps.open == []


def test_a_decorated_function_is_a_step_each_time(steps: Steps) -> None:
    @progress.step("work")
    def work() -> str:
        return words(steps.open)

    assert [work(), work(), words(steps.open)] == ["work", "work", "preparing"]


def test_where_nothing_is_shown_steps_are_noted_by_nobody() -> None:
    assert current.get() is None
    with progress.step("work", 2) as alone:
        progress.advance()
        progress.discount()
        assert alone.done == 0
    assert list(progress.counted("item", [1, 2])) == [1, 2]


def test_what_is_left_is_by_the_median_unit_less_what_the_one_at_hand_took(clock: Clock) -> None:
    step = Step("layer", 10, clock=clock)
    assert step.left() is None
    after(step, clock, 60, 4, 4)  # the first one compiled
    assert step.left() == 7 * 4
    clock.now += 3
    assert step.left() == 7 * 4 - 3
    clock.now += 300  # nobody knows how long it still takes
    assert step.left() == 6 * 4
    after(step, clock, *[4] * 7)
    assert step.left() == 0
    after(step, clock, 4)  # one more than there were to be
    assert step.left() == 0


def test_units_side_by_side_share_their_time(clock: Clock) -> None:
    step = Step("figure", 9, clock=clock)
    clock.now += 6
    step.advance(3)
    assert step.left() == 6 * 2


def test_a_unit_that_had_nothing_to_do_does_not_shape_the_estimate(steps: Steps, clock: Clock) -> None:
    with progress.step("job", 8) as jobs:
        after(jobs, clock, 30)
        for _ in range(4):  # finished before, or failed at once
            progress.discount()
            after(jobs, clock, 0.1)
        assert jobs.left() == 3 * 30
        after(jobs, clock, 20)
        assert jobs.left() == 2 * 25


def test_what_a_process_does_once_is_in_no_units_time(steps: Steps, clock: Clock) -> None:
    with progress.step("job", 3) as jobs:
        with progress.step("object model"), progress.step("import", once=True):
            clock.now += 40
        after(jobs, clock, 5)
        assert jobs.left() == 2 * 5


def test_what_is_prepared_before_units_are_counted_is_in_no_units_time(clock: Clock) -> None:
    step = Step("figure", clock=clock)
    clock.now += 30
    step.expect(4)
    assert after(step, clock, 2).left() == 3 * 2


def test_units_that_are_not_alike_tell_nothing_of_each_other(clock: Clock) -> None:
    assert after(Step("search", 3, alike=False, clock=clock), clock, 50).left() is None
    assert after(Step("figure", clock=clock), clock, 50).left() is None


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ([], "epoch 1 of 4"),
        ([2.0], "epoch 2 of 4"),  # it will take 8 s: nobody needs an estimate
        ([30.0], "epoch 2 of 4, 1:30 left"),
        ([30.0, 30.0, 30.0, 30.0], "epoch 4 of 4"),
    ],
)
def test_time_left_is_told_of_what_takes_a_while(clock: Clock, taken: list[float], said: str) -> None:
    assert after(Step("epoch", 4, clock=clock), clock, *taken).words() == said
    at_most = after(Step("epoch", 4, at_most=True, clock=clock), clock, *taken).words()
    assert at_most == said.replace("1:30", "at most 1:30")


def test_the_outermost_step_that_can_tell_says_what_is_left(clock: Clock) -> None:
    job, layer = Step("job", 2, clock=clock), after(Step("layer", 3, clock=clock), clock, 5)
    assert time_left([job, layer]) == 10
    job.advance()
    assert time_left([job, layer]) == 5
    assert time_left([Step("data", clock=clock)]) is None


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")])
def test_seconds_as_people_write_them(seconds: float, text: str) -> None:
    assert clock_time(seconds) == text
