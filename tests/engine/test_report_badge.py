"""The badge: XML that a browser shows, readable without its colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from reporting import claim, record

from claimbench.errors import RecordError
from claimbench.record import Record
from claimbench.report.badge import badge, write_badge

SVG = "{http://www.w3.org/2000/svg}"


def parsed(run: Record) -> ET.Element:
    return ET.fromstring(badge(run))


def words(run: Record) -> list[str]:
    return [node.text or "" for node in parsed(run).iter(f"{SVG}text")]


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` or ``#rgb``, as WCAG 2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_counts_are_there_in_words() -> None:
    """In the order of the verdicts, without those that no claim has."""
    assert words(record()) == [
        "claimbench",
        "3 reproduced",
        "1 not reproduced",
        "1 inconclusive",
        "1 void",
    ]
    assert words(record(claims=[claim()])) == ["claimbench", "1 reproduced"]


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"claims": []}, "no claim judged"),
        ({"complete": False}, "partial run"),
    ],
)
def test_what_a_count_would_hide_is_said(changes: dict[str, Any], last: str) -> None:
    """A run without verdicts, and one that was interrupted."""
    assert words(record(**changes))[-1] == last


def test_the_title_says_the_same() -> None:
    """For readers who don't see the picture."""
    root = parsed(record())
    title = "claimbench: 3 reproduced, 1 not reproduced, 1 inconclusive, 1 void"

    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == title
    assert root.findtext(f"{SVG}title") == title


def test_nothing_is_fetched() -> None:
    """No font, image, style sheet or script from anywhere."""
    text = badge(record())

    assert text.count("http") == 1  # the namespace
    assert not {"script", "image", "style", "foreignObject", "use"} & {
        node.tag.removeprefix(SVG) for node in parsed(record()).iter()
    }
    assert "@" not in text


def test_every_box_holds_its_words() -> None:
    """Side by side without a gap, text inside its box, the last box at the picture's end."""
    root = parsed(record(complete=False))
    boxes = list(root.find(f"{SVG}g") or [])
    texts = list(root.iter(f"{SVG}text"))
    at = 0.0
    for box, text in zip(boxes, texts, strict=True):
        x, width = float(box.attrib["x"]), float(box.attrib["width"])
        assert x == pytest.approx(at, abs=0.05)
        assert x < float(text.attrib["x"])
        assert float(text.attrib["x"]) + float(text.attrib["textLength"]) < x + width
        at = x + width
    assert at == pytest.approx(float(root.attrib["width"]), abs=0.05)


def test_words_can_be_read_on_their_colours() -> None:
    """White text has a contrast of 4.5 at least."""
    for box in parsed(record(complete=False)).find(f"{SVG}g") or []:
        assert 1.05 / (luminance(box.attrib["fill"]) + 0.05) >= 4.5


def test_a_badge_that_can_t_be_written_is_an_error(tmp_path: Path) -> None:
    """Which names the file and the cure."""
    assert ET.parse(write_badge(record(), tmp_path / "deep" / "badge.svg")).getroot() is not None
    (tmp_path / "file").touch()

    with pytest.raises(RecordError, match=r"badge\.svg can't be written .* another FILE"):
        write_badge(record(), tmp_path / "file" / "badge.svg")
