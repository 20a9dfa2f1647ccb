"""Pictures as SVG inside the page."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from claimbench.report.curves import Panel
from claimbench.report.drawing import draw_figure, draw_panel
from claimbench.report.palette import marks
from claimbench.report.svg import inline


def panel(names=("a", "b"), *, levels=5, x="k", measure="gap", y_scale="log", lost=0) -> Panel:
    """Return a panel with a falling curve for each name."""
    points = pd.DataFrame(
        [
            (name, float(level), 10.0**-level, 0.5 * 10.0**-level, 2 * 10.0**-level, 10, lost)
            for name in names
            for level in range(1, levels + 1)
        ],
        columns=["contender", "x", "mean", "low", "high", "n", "lost"],
    )
    rows = None
    if not x:
        points = points[points["x"] == 1]
        rows = pd.DataFrame({"contender": [names[0]] * 3, "y": [0.1, 0.2, 0.05]})
    return Panel(
        measure, {}, x, x_log=False, y_scale=y_scale, points=points, rows=rows, replicates=10
    )


def drawn(shown: Panel, *, prefix: str = "p1-") -> ET.Element:
    """Draw a panel and parse it as XML."""
    names = shown.points["contender"].unique()
    return ET.fromstring(draw_panel(shown, marks(names), "what it shows", prefix))


def texts(root: ET.Element) -> list[str]:
    """Return all visible text."""
    return ["".join(node.itertext()).strip() for node in root.iter("text")]


@pytest.mark.parametrize("y_scale", ["linear", "log", "symlog"])
@pytest.mark.parametrize("x", ["k", ""])
def test_panel_has_real_text_and_an_alternative(x, y_scale):
    """Axis labels and ticks are text elements; the picture has a role and a name."""
    root = drawn(panel(x=x, y_scale=y_scale))

    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "what it shows"
    assert (x or "gap") in texts(root)
    assert "width" not in root.attrib


def test_ticks_are_powers_of_ten_in_plain_characters():
    """Logarithmic ticks use superscript characters, no formula markup."""
    shown = texts(drawn(panel()))

    assert "10⁻⁵" in shown
    assert "0.1" in shown


def test_colours_are_the_contenders_and_the_rest_is_the_pages():
    """Lines keep the palette's colours; axes and text follow the theme of the page."""
    svg = str(draw_panel(panel(), marks("ab"), "", "p-"))

    for mark in marks("ab").values():
        assert mark.colour in svg
    assert "var(--ink)" in svg
    assert "var(--rule)" in svg
    assert not re.search(r"#(010203|040506|070809|000000|ffffff)", svg)
    assert "DejaVu" not in svg


def test_ids_are_unique_and_every_reference_resolves():
    """Two pictures on one page share no id, and refer to their own only."""
    both = [drawn(panel(), prefix=prefix) for prefix in ("p1-", "p2-")]
    ids = [[node.get("id") for node in root.iter() if node.get("id")] for root in both]

    assert len(set(ids[0] + ids[1])) == len(ids[0]) + len(ids[1])
    for root, own in zip(both, ids, strict=True):
        source = ET.tostring(root, encoding="unicode")
        referred = set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", source))
        assert referred
        assert {a or b for a, b in referred} <= set(own)


def test_same_picture_same_bytes():
    """Drawing twice gives the same text: no date and no random id."""
    assert draw_panel(panel(), marks("ab"), "", "p-") == draw_panel(panel(), marks("ab"), "", "p-")


HOSTILE = (
    "<script>alert(1)</script>",
    "price $5 and $x_{$",
    "\"quoted\" & 'single'",
    "שלום עולם",
    "方法",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_as_text(name):
    """Markup, formula signs, quotes and other scripts in names stay text and warn about nothing."""
    root = drawn(panel((name,), x="", measure=name))

    assert not list(root.iter("script"))
    assert any(name in text for text in texts(root))


def test_few_marks_are_vectors_and_many_are_an_image():
    """Above 2,000 marks the data becomes an image; axes and text stay vectors."""
    few = drawn(panel(levels=30, y_scale="linear"))
    many = drawn(panel(tuple("abcdefgh"), levels=300, y_scale="linear"))

    assert not list(few.iter("image"))
    assert len(list(many.iter("image"))) == 1
    assert "k" in texts(many)


def test_lost_replicates_are_marked():
    """Values that are not finite leave a mark at the top edge."""
    with_, without = (len(list(drawn(panel(("a",), lost=lost)).iter("use"))) for lost in (1, 0))

    assert with_ - without == 5


def test_nothing_finite_is_an_empty_frame():
    """A panel without values draws its frame and raises nothing."""
    shown = panel()
    shown.points.loc[:, ["mean", "low", "high"]] = np.nan
    shown.points["n"] = 0

    assert "k" in texts(drawn(shown))


def test_own_figure_gets_evidence_palette_and_keeps_formulas():
    """A paper's function draws with the palette, may write formulas, and returns the alt text."""

    def figure(evidence, ax, palette):
        ax.plot(evidence["x"], evidence["y"], color=palette["a"])
        ax.set_xlabel(r"$\gamma$")
        return "y grows with x"

    table = pd.DataFrame({"x": [1, 2], "y": [3, 4]})
    svg, alt = draw_figure(figure, {"evidence": table, "palette": {"a": "#0072b2"}}, "own-")
    root = ET.fromstring(svg)

    assert alt == "y grows with x"
    assert root.get("aria-label") == alt
    assert "γ" in "".join(texts(root))
    assert "#0072b2" in svg


def test_automatic_decades_are_plain_and_chosen_ones_stay():
    """Logarithmic axes left to matplotlib get plain decades; a formatter of one's own is kept."""

    def figure(ax):
        ax.plot([1, 1e6], [1e-6, 1])
        ax.set(xscale="log", yscale="log")
        ax.yaxis.set_major_formatter(lambda value, place: "mine")
        return "a line"

    shown = texts(ET.fromstring(draw_figure(figure, {}, "own-")[0]))

    assert "10⁶" in shown
    assert "mine" in shown
    assert not any("$" in text for text in shown)


@pytest.mark.parametrize("answer", [None, "", "  ", 3])
def test_own_figure_without_alternative_text_is_refused(answer):
    """A function that returns no sentence is an error that says what is missing."""
    with pytest.raises(TypeError, match="alternative text"):
        draw_figure(lambda ax: answer, {}, "own-")


def test_inline_drops_what_a_page_must_not_inherit():
    """Metadata and matplotlib's style sheet, which would style the page, are left out."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9pt"><metadata>x</metadata>'
        "<defs><style>*{fill:red}</style></defs><g id='unused'/></svg>"
    )
    page = str(inline(svg, alt='a "b" <c>', prefix="p-"))

    assert "metadata" not in page
    assert "red" not in page
    assert "unused" not in page
    assert 'aria-label="a &quot;b&quot; &lt;c&gt;"' in page
