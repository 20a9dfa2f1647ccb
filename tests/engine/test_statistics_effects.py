"""What an estimand may return, what a rule may say, and how numbers are worded."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

from claimbench.errors import ClaimFileError, ContenderError
from claimbench.statistics.interval import Interval
from claimbench.statistics.rule import Rule
from claimbench.statistics.wording import count, interval_phrase, words
from claimbench.verdict import Effects


@pytest.mark.parametrize(
    ("returned", "shape", "kind"),
    [
        (np.zeros(4), (4, 1), "f"),
        ([1, 2, 3, 4], (4, 1), "f"),
        (np.zeros((4, 3), dtype=np.float32), (4, 3), "f"),
        (np.ones(4, dtype=bool), (4, 1), "b"),
        (np.ones((4, 2), dtype=bool), (4, 2), "b"),
    ],
)
def test_effects_per_replicate_become_columns(returned, shape, kind):
    """Numbers become float64, booleans stay, one effect per replicate is one column."""
    effects = Effects.from_estimand(returned, lambda _: 0.0, n=4)
    assert effects.values.shape == shape
    assert effects.values.dtype.kind == kind
    assert effects.statistic is None


def test_no_replicate_is_one_empty_column():
    """An empty sample keeps its column, so that it can be judged."""
    assert Effects.per_replicate(np.zeros(0), n=0).values.shape == (0, 1)


def test_a_dict_of_conditions_becomes_named_columns():
    """Every name keeps its place; the columns of one condition are numbered."""
    returned = {"slope": np.arange(4.0), "level": np.ones((4, 2))}
    effects = Effects.from_estimand(returned, lambda _: 0.0, n=4)
    assert effects.names == ("slope", "level, 1 of 2", "level, 2 of 2")
    assert effects.values.tolist() == [[i, 1.0, 1.0] for i in range(4)]


@pytest.mark.parametrize("returned", [{}, {1: np.zeros(4)}, {"": np.zeros(4)}])
def test_conditions_without_names_are_refused(returned):
    """The message shows what was given as names."""
    with pytest.raises(ContenderError, match="conditions without names") as caught:
        Effects.from_estimand(returned, lambda _: 0.0, n=4)
    assert str(list(returned)) in str(caught.value)


def test_a_condition_of_the_wrong_shape_is_named():
    """Of several conditions the message tells which one is wrong, and how."""
    with pytest.raises(ContenderError) as caught:
        Effects.from_estimand({"slope": np.zeros(4), "level": np.zeros(3)}, lambda _: 0.0, n=4)
    assert "for 4 replicates (condition 'level'): (3,)" in str(caught.value)
    with pytest.raises(ContenderError, match=r"\(condition 'level'\): \(\)"):
        Effects.from_estimand({"slope": np.zeros(4), "level": 1.0}, lambda _: 0.0, n=4)


def test_conditions_are_numbers_or_booleans_not_both():
    """One claim has one kind: a success beside a number can't be judged."""
    with pytest.raises(ContenderError, match="booleans for another") as caught:
        Effects.from_estimand({"a": np.zeros(2), "b": np.ones(2, bool)}, lambda _: 0.0, n=2)
    assert "'b': 'bool'" in str(caught.value)


def test_one_number_is_a_statistic_of_the_sample():
    """A single number is evaluated again on replicate indices."""
    x = np.arange(4.0)
    effects = Effects.from_estimand(x.mean(), lambda i: x[i].mean(), n=4)
    assert effects.values is None
    assert effects.statistic(np.array([0, 0, 3])) == 1.0


@pytest.mark.parametrize("shape", [(3,), (5,), (4, 0), (4, 2, 2), (2, 4), (0,)])
def test_a_wrong_shape_is_refused(shape):
    """The message names the shape found, the replicates and the shapes allowed."""
    with pytest.raises(ContenderError) as caught:
        Effects.from_estimand(np.zeros(shape), lambda _: 0.0, n=4)
    text = str(caught.value)
    assert f"wrong shape for 4 replicates: {shape}" in text
    assert "allowed: one effect per replicate of shape (n,)" in text
    assert "to mend it: average over cells" in text


@pytest.mark.parametrize("returned", [["a"] * 4, np.zeros(4, dtype=complex), None])
def test_effects_that_are_no_real_numbers_are_refused(returned):
    """The message names the type found."""
    with pytest.raises(ContenderError, match=r"no real numbers: .*dtype.*allowed: one effect"):
        Effects.from_estimand(returned, lambda _: 0.0, n=4)


def test_a_ragged_list_is_refused():
    """Rows of different lengths are no array."""
    with pytest.raises(ContenderError, match=r"returned no array .*: 'list'; allowed"):
        Effects.from_estimand([[1.0], [1.0, 2.0]], lambda _: 0.0, n=2)


def test_one_boolean_for_the_sample_is_refused():
    """A success is a property of a replicate, not of the sample."""
    with pytest.raises(ContenderError, match=r"one boolean for the sample.*shape \(n,\)"):
        Effects.from_estimand(np.bool_(True), lambda _: 0.0, n=2)


def test_errors_travel_between_processes():
    """An error raised on a worker arrives with its message."""
    with pytest.raises(ContenderError) as caught:
        Effects.per_replicate(np.zeros(3), n=4)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


def test_an_unknown_kind_is_refused():
    """The message lists the kinds and the nearest one."""
    with pytest.raises(ClaimFileError, match=r"'superority'.*did you mean 'superiority'"):
        Rule(kind="superority")


@pytest.mark.parametrize(
    ("kind", "margin", "allowed"),
    [
        ("superiority", -0.1, "0 or more"),
        ("superiority", math.inf, "0 or more"),
        ("bound", math.nan, "0 or more"),
        ("equivalence", 0.0, "above 0"),
    ],
)
def test_an_impossible_margin_is_refused(kind, margin, allowed):
    """A margin is finite and not negative; equivalence within nothing can't be shown."""
    threshold = 1.0 if kind == "bound" else None
    with pytest.raises(ClaimFileError, match=rf"margin .*{kind}.*{allowed}.*edit `margin`"):
        Rule(kind=kind, margin=margin, threshold=threshold)


@pytest.mark.parametrize("kind", ["rate", "bound", "success"])
def test_a_missing_threshold_is_refused(kind):
    """Kinds judged against a threshold need one."""
    with pytest.raises(ClaimFileError, match=rf"kind {kind} needs a threshold.*add `threshold`"):
        Rule(kind=kind)


@pytest.mark.parametrize(
    "kind", ["superiority", "magnitude", "non-inferiority", "equivalence", "identity"]
)
def test_a_threshold_without_use_is_refused(kind):
    """A threshold that judges nothing would mislead the reader."""
    with pytest.raises(ClaimFileError, match=rf"kind {kind} has no threshold: 0.5; allowed"):
        Rule(kind=kind, margin=0.1, threshold=0.5)


@pytest.mark.parametrize(
    ("kind", "threshold"), [("success", 1.0), ("success", -0.1), ("rate", math.inf)]
)
def test_an_impossible_threshold_is_refused(kind, threshold):
    """A success rate above 1 can't be shown, nor a rate below infinity."""
    with pytest.raises(ClaimFileError, match=r"threshold .* is impossible.*edit `threshold`"):
        Rule(kind=kind, threshold=threshold)


def test_a_kind_without_threshold_has_no_boundary():
    """Asking superiority for its boundary is a mistake of the caller."""
    with pytest.raises(ValueError, match="kind superiority has no threshold"):
        _ = Rule(kind="superiority").boundary


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1.8612, 1.7133, 2.01), ["1.86", "1.71", "2.01"]),
        ((0.05, 0.0501), ["0.05", "0.0501"]),
        ((0.05, 0.050000001), ["0.05", "0.050000001"]),
        ((0.0, 1e-13, -2.5e-9), ["0", "1e-13", "-2.5e-9"]),
        ((12345.0, 1234567.0), ["12345", "1234567"]),
        ((1.5e12, 2e300), ["1.5e12", "2e300"]),
        ((math.inf, -math.inf, math.nan), ["infinity", "-infinity", "undefined"]),
        ((0.1, 0.1), ["0.1", "0.1"]),
        ((-0.0, 0.0), ["0", "0"]),
    ],
)
def test_numbers_have_as_many_digits_as_tell_them_apart(values, expected):
    """Three digits, or as many as keep different numbers different."""
    assert words(*values) == expected


def test_counts_are_worded():
    """One is singular, thousands have a comma."""
    assert [count(n, "replicate") for n in (0, 1, 4096)] == [
        "0 replicates",
        "1 replicate",
        "4,096 replicates",
    ]


def test_an_interval_is_worded_with_level_kind_note_and_n():
    """Whatever is unusual about an interval is said."""
    note = "percentile, 3 of 9 resamples are infinite or undefined"
    found = Interval(1.0, 0.5, 2.0, 0.9, 12, "bootstrap", note)
    assert interval_phrase(found, "0.5", "2") == (
        f"90% bootstrap interval ({note}) 0.5 to 2 over 12 replicates"
    )
    unbounded = Interval(1.0, -math.inf, math.inf, 0.95, 1, "t")
    assert interval_phrase(unbounded, "", "") == "95% interval unbounded over 1 replicate"


def test_verdicts_import_neither_scipy_stats_nor_the_experiment():
    """Judging loads scipy.special only: scipy.stats alone would cost most of a second."""
    code = (
        "import sys, claimbench.verdict as v; "
        "print([m for m in ('scipy.stats', 'torch', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
