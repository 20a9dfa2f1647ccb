"""Conjunctions, controls and the invariances of a verdict."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimbench.statistics.interval import Interval
from claimbench.verdict import Effects, Judgement, Rule, conjunction, judge, with_control

INF, NAN = math.inf, math.nan
NOISE = np.array([-1.5, -1.0, -0.7, -0.3, -0.1, 0.1, 0.3, 0.7, 1.0, 1.5]) / 10
RULE = Rule(kind="superiority", margin=0.1, unit="nats")
R, N, U, V = "reproduced", "not reproduced", "inconclusive", "void"

REPRODUCED, REFUTED = NOISE + 1, NOISE - 1
UNDECIDED = 2 * NOISE + 0.05


def verdict(x, rule=RULE):
    """Judge effects per replicate."""
    return judge(Effects.per_replicate(x, n=len(x)), rule, rng=np.random.default_rng(0))


def part(word, room, p=0.01, needed=None):
    """Return a judgement with a given verdict and room."""
    interval = Interval(room, room, room + 1, 0.95, 9, "t")
    return Judgement(word, f"Room {room}.", interval, p, (room,), needed, (), (room, room))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([R, R], R),
        ([R, U], U),
        ([R, N], N),
        ([U, N], N),
        ([U, U], U),
        ([N, N, R, U], N),
        ([R, V], V),
    ],
)
def test_a_conjunction_needs_all_its_parts(words, expected):
    """One part not reproduced decides, else one inconclusive, else all hold."""
    assert conjunction([part(word, 1.0) for word in words]).verdict == expected


def test_the_weakest_of_equal_verdicts_is_shown():
    """The part with the least room carries effect, replicates, tags and name."""
    found = conjunction(
        [part(R, 3.0), part(R, 1.0), part(R, 2.0)], names=["sinkhorn", "emd", "dual"]
    )
    assert found.interval.value == 1.0
    assert found.replicates == (1.0,)
    assert found.reason == "Weakest of 3 (emd): Room 1.0."


def test_the_weakest_has_the_verdict_of_the_whole():
    """A refuted part is shown even where an undecided one has less room."""
    found = conjunction([part(U, -INF), part(N, -1.0), part(R, 1.0)])
    assert (found.verdict, found.interval.value) == (N, -1.0)
    assert found.reason == "Weakest of 3: Room -1.0."


def test_the_value_decides_among_equal_rooms():
    """Two unbounded intervals are ordered by their estimates."""
    one, other = part(U, -INF), part(U, -INF)
    one = replace(one, room=(-INF, 2.0), reason="Two.")
    other = replace(other, room=(-INF, 1.0), reason="One.")
    assert conjunction([one, other]).reason == "Weakest of 2: One."


def test_the_p_value_of_a_conjunction_is_the_largest():
    """An intersection-union test has the largest p-value, and none if a part has none."""
    assert conjunction([part(R, 1.0, p=0.02), part(R, 2.0, p=0.04)]).p_value == 0.04
    assert conjunction([part(R, 1.0, p=0.02), part(R, 2.0, p=None)]).p_value is None


def test_an_inconclusive_conjunction_needs_the_most_of_its_undecided_parts():
    """All undecided parts must be settled; one that can't be computed leaves it unknown."""
    parts = [part(U, 1.0, needed=40), part(U, 0.5, needed=20), part(R, 3.0)]
    assert conjunction(parts).needed == 40
    assert conjunction([*parts, part(U, 0.1, needed=None)]).needed is None


def test_one_part_is_itself():
    """A single column or opponent is no conjunction in words."""
    one = verdict(REPRODUCED)
    assert conjunction([one], names=["emd"]) is one


def test_nothing_can_not_be_joined():
    """An empty conjunction would hold vacuously: it is refused."""
    with pytest.raises(ValueError, match="at least one judgement"):
        conjunction([])


def test_columns_are_a_conjunction():
    """Effects of shape (n, columns) are judged column by column."""
    found = verdict(np.stack([REPRODUCED, UNDECIDED], axis=1))
    alone = verdict(UNDECIDED)
    assert found == replace(alone, reason=f"Weakest of 2 (column 2): {alone.reason}")


def test_named_conditions_are_told_one_by_one():
    """The weakest is named in the sentence; every condition keeps its own verdict and interval."""
    effects = Effects.from_estimand(
        {"slope": REPRODUCED, "level": UNDECIDED}, lambda _: 0.0, n=len(NOISE)
    )
    found = judge(effects, RULE, rng=np.random.default_rng(0))
    strong, weak = verdict(REPRODUCED), verdict(UNDECIDED)
    assert found.reason == f"Weakest of 2 (level): {weak.reason}"
    assert [(c.name, c.verdict, c.interval) for c in found.conditions] == [
        ("slope", R, strong.interval),
        ("level", U, weak.interval),
    ]


def test_columns_without_names_are_no_conditions():
    """What the estimand did not name is not told apart in the record."""
    assert verdict(np.stack([REPRODUCED, UNDECIDED], axis=1)).conditions == ()


def test_of_several_opponents_the_conditions_are_those_against_the_weakest():
    """A conjunction of comparisons keeps the conditions of the part that it shows."""
    effects = [
        Effects.from_estimand({name: x}, lambda _: 0.0, n=len(NOISE))
        for name, x in (("against one", REPRODUCED), ("against another", UNDECIDED))
    ]
    parts = [judge(each, RULE, rng=np.random.default_rng(0)) for each in effects]
    assert [c.name for c in conjunction(parts).conditions] == ["against another"]


def test_columns_may_be_infinite_one_by_one():
    """Each column has the interval that its own effects allow."""
    x = np.stack([REPRODUCED, np.full(10, INF)], axis=1)
    found = verdict(x)
    assert (found.verdict, found.interval.kind) == (R, "t")


def test_boolean_columns_must_all_succeed():
    """Success claims join their columns too."""
    x = np.stack([np.ones(10, dtype=bool), np.arange(10) < 3], axis=1)
    found = verdict(x, Rule(kind="success", threshold=0.7))
    assert (found.verdict, found.interval.value) == (N, 0.3)


CONTROLS = [
    (REPRODUCED, REFUTED, R),
    (UNDECIDED, REFUTED, U),
    (REFUTED, REFUTED, N),
    (REPRODUCED, UNDECIDED, U),
    (UNDECIDED, UNDECIDED, U),
    (REFUTED, UNDECIDED, N),
    (REPRODUCED, REPRODUCED, V),
    (UNDECIDED, REPRODUCED, V),
    (REFUTED, REPRODUCED, V),
]


@pytest.mark.parametrize(("claim", "control", "expected"), CONTROLS)
def test_a_verdict_must_be_able_to_fail(claim, control, expected):
    """The control refutes, doubts or voids the claim, whatever the method did."""
    assert with_control(verdict(claim), verdict(control)).verdict == expected


def test_a_control_that_fails_changes_nothing():
    """A control that is not reproduced leaves the judgement as it was."""
    judged = verdict(REPRODUCED)
    assert with_control(judged, verdict(REFUTED)) is judged


def test_a_doubtful_control_lowers_reproduced_and_says_so():
    """The reason names the control; what it would take to settle it is the control's number."""
    judged, control = verdict(REPRODUCED), verdict(UNDECIDED)
    found = with_control(judged, control)
    assert found.reason == (
        "1 nats, 95% interval 0.934 to 1.07 over 10 replicates, lies above 0; but the control is "
        f"inconclusive: {control.reason}"
    )
    assert (found.needed, found.interval) == (control.needed, judged.interval)


def test_a_control_that_succeeds_voids_the_claim_and_says_so():
    """A void claim has no p-value and nothing to wait for."""
    judged, control = verdict(UNDECIDED), verdict(REPRODUCED)
    found = with_control(judged, control)
    assert found.reason == (
        f"{judged.reason.removesuffix('.')}; but the control meets the rule too: {control.reason}"
    )
    assert (found.p_value, found.needed) == (None, None)


# Without a deadline: a busy machine is no counterexample.
PROPERTY = settings(max_examples=60, deadline=None)
MIRROR = {R: N, N: R, U: U}
effects = st.lists(
    st.one_of(st.floats(-3, 3), st.sampled_from([INF, -INF, NAN])), min_size=5, max_size=12
)


@PROPERTY
@given(st.lists(st.floats(-3, 3), min_size=5, max_size=12))
def test_swapping_the_sides_of_a_comparison_mirrors_the_verdict(x):
    """With no margin, what one side wins the other loses, and the interval changes sign."""
    rule = Rule(kind="superiority")
    one, other = verdict(x, rule), verdict([-v for v in x], rule)
    assert other.verdict == MIRROR[one.verdict]
    assert (one.interval.low, one.interval.high) == (-other.interval.high, -other.interval.low)
    assert one.interval.value == -other.interval.value
    assert one.needed == other.needed


@PROPERTY
@given(effects, st.randoms(use_true_random=False), st.sampled_from(["superiority", "equivalence"]))
def test_the_order_of_replicates_changes_nothing(x, random, kind):
    """Permuted effects have the same judgement, their own order apart."""
    rule = Rule(kind=kind, margin=0.5)
    shuffled = list(x)
    random.shuffle(shuffled)
    one, other = verdict(x, rule), verdict(shuffled, rule)
    assert repr(replace(one, replicates=())) == repr(replace(other, replicates=()))


def test_a_negative_zero_is_zero_in_any_order():
    """The median of zeros of both signs and an infinity is 0.0, wherever the -0.0 stands."""
    zeros = [0.0] * 9
    one, other = verdict([*zeros, -0.0, INF]), verdict([-0.0, *zeros, INF])
    assert repr(one.interval) == repr(other.interval)
    assert math.copysign(1, one.interval.low) == 1


@PROPERTY
@given(st.lists(st.floats(-3, 3), min_size=5, max_size=12), st.floats(-5, 5))
def test_a_threshold_shifts_with_the_effects(x, c):
    """Effects and threshold moved by the same constant have the same verdict."""
    one = verdict(x, Rule(kind="bound", threshold=0.5))
    other = verdict(np.asarray(x) + c, Rule(kind="bound", threshold=0.5 + c))
    if abs(one.room[0]) > 1e-9 and abs(one.interval.low - 0.5) > 1e-9:
        assert one.verdict == other.verdict


@PROPERTY
@given(effects)
def test_superiority_is_the_mirrored_bound(x):
    """Greater than 0 with interest is what "at most" refutes on the mirrored effects."""
    superior = verdict(x, Rule(kind="superiority"))
    bound = verdict([-v for v in x], Rule(kind="bound", threshold=0.0))
    if superior.verdict == R:
        assert bound.verdict == R
    if superior.verdict == N:
        assert bound.verdict == N


@PROPERTY
@given(st.lists(st.booleans(), min_size=5, max_size=25), st.floats(0.01, 0.99))
def test_failures_mirror_successes(outcome, threshold):
    """What succeeds above a threshold fails below its complement."""
    one = verdict(outcome, Rule(kind="success", threshold=threshold))
    other = verdict([not v for v in outcome], Rule(kind="success", threshold=1 - threshold))
    if min(abs(one.interval.low - threshold), abs(one.interval.high - threshold)) > 1e-9:
        assert other.verdict == MIRROR[one.verdict]
