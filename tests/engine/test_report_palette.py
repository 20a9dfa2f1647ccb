"""Colours and markers, and whether they can be seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimbench import report
from claimbench.report.palette import COLOURS, MARKERS, marks

CSS = (Path(report.__file__).parent / "report.css").read_text(encoding="utf-8")


def theme(name: str) -> dict[str, str]:
    """Read the colours of one theme from the style sheet."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS, flags=re.DOTALL)[:2]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return found if name == "light" else found | dict(re.findall(r"--([\w-]+): (#\w{6})", dark))


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("colour", COLOURS)
def test_contenders_stand_out_by_day_and_night(colour, name):
    """Every contender's colour has a contrast of at least 3 on the page."""
    assert contrast(colour, theme(name)["page"]) >= 3


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "page"),
        ("ink", "panel"),
        ("muted", "page"),
        ("muted", "panel"),
        ("link", "page"),
        ("yes", "yes-soft"),
        ("no", "no-soft"),
        ("half", "half-soft"),
        ("void", "void-soft"),
        ("ink", "no-soft"),
        ("ink", "half-soft"),
        ("no", "page"),
    ],
)
def test_text_is_readable_by_day_and_night(text, ground, name):
    """Every pair of text and ground has a contrast of at least 4.5."""
    colours = theme(name)

    assert contrast(colours[text], colours[ground]) >= 4.5


def test_no_two_contenders_look_alike():
    """Ninety contenders get ninety pairs of colour and marker."""
    made = marks(f"contender {i}" for i in range(len(COLOURS) * len(MARKERS)))

    assert len(set(made.values())) == len(made)


@given(
    st.lists(
        st.lists(st.integers(0, 40), min_size=2, max_size=4, unique=True), min_size=1, max_size=9
    )
)
def test_contenders_that_meet_differ_in_colour(experiments):
    """Of the first ten, for whom a colour is free for certain, no two that meet share one."""
    meetings = [[str(number) for number in experiment] for experiment in experiments]
    names = list(dict.fromkeys(name for meeting in meetings for name in meeting))
    made = marks(names, meetings)

    for meeting in meetings:
        early = [name for name in meeting if names.index(name) < len(COLOURS)]
        assert len({made[name].colour for name in early}) == len(early)


def test_a_colour_comes_again_only_where_its_owners_never_meet():
    """Two experiments of six contenders need no more colours than there are."""
    one, other = [f"a{i}" for i in range(6)], [f"b{i}" for i in range(6)]
    made = marks([*one, *other], [one, [*other, "a0"]])

    assert len({made[name].colour for name in one}) == 6
    assert len({made[name].colour for name in [*other, "a0"]}) == 7
    assert len(set(made.values())) == 12


def test_names_that_share_a_colour_differ_in_marker():
    """Twelve that all meet have two colours twice, with another marker each time."""
    everyone = [f"contender {i}" for i in range(12)]
    made = marks(everyone, [everyone])

    assert len({mark.colour for mark in made.values()}) == len(COLOURS)
    assert len(set(made.values())) == 12


def test_mark_depends_on_order_of_first_appearance_only():
    """Naming a contender again, later, changes no mark."""
    assert marks(["a", "b", "a", "c"]) == marks(["a", "b", "c"])
