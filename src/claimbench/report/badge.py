"""A badge with the counts of verdicts, in words: an SVG that any page can show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from claimbench.report.run import verdict_counts
from claimbench.report.write import write_text

if TYPE_CHECKING:
    from claimbench.record import Record

#: White text on each of them has a contrast of 4.5 or more.
COLOURS = {
    "reproduced": "#0a6b4b",
    "not reproduced": "#a8261d",
    "inconclusive": "#7d5200",
    "void": "#57518f",
}
_LABEL, _NEUTRAL = "#3b3f46", "#5a606b"
_HEIGHT, _SIZE, _PAD = 20, 11, 7
#: Widths of a common sans-serif, per mille of its size; the rest is as wide as a digit. The text
#: is fitted to its box, so a font that differs moves letters a little and nothing else.
_WIDTHS = {" ": 318, "i": 274, "l": 274, "t": 392, "r": 412, "c": 550, "s": 521, "v": 592}
_WIDTH = 620


def badge(record: Record) -> str:
    """Return the badge of a record."""
    parts = [(f"{n} {verdict}", COLOURS[verdict]) for verdict, n in verdict_counts(record) if n]
    parts = parts or [("no claim judged", _NEUTRAL)]
    if not record.complete:
        parts.append(("partial run", _NEUTRAL))
    title = f"claimbench: {', '.join(text for text, _ in parts)}"
    boxes, texts, at = [], [], 0.0
    for text, colour in [("claimbench", _LABEL), *parts]:
        wide = round(sum(_WIDTHS.get(sign, _WIDTH) for sign in text) * _SIZE / 1000, 1)
        boxes.append(
            f'<rect x="{at:g}" width="{wide + 2 * _PAD:g}" height="{_HEIGHT}" fill="{colour}"/>'
        )
        texts.append(
            f'<text x="{at + _PAD:g}" y="14" textLength="{wide:g}" lengthAdjust="spacingAndGlyphs">'
            f"{escape(text)}</text>"
        )
        at = round(at + wide + 2 * _PAD, 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{at:g}" height="{_HEIGHT}"'
        f' viewBox="0 0 {at:g} {_HEIGHT}" role="img" aria-label={quoteattr(title)}>\n'
        f"<title>{escape(title)}</title>\n"
        f'<clipPath id="r"><rect width="{at:g}" height="{_HEIGHT}" rx="3"/></clipPath>\n'
        f'<g clip-path="url(#r)">{"".join(boxes)}</g>\n'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="{_SIZE}">'
        f"{''.join(texts)}</g>\n"
        "</svg>\n"
    )


def write_badge(record: Record, file: Path) -> Path:
    """Write the badge of a record.

    Raises
    ------
    RecordError
        When the file can't be written.
    """
    return write_text(badge(record), file)
