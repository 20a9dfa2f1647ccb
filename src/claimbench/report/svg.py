"""Matplotlib's SVG made part of the page: its colours, its font, no id twice, no style sheet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from markupsafe import Markup

# Colours that no palette holds stand for the page's own, which differ by day and night.
INK, MUTED, GRID = "#010203", "#040506", "#070809"
_COLOURS = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--rule)",
    "#000000": "var(--ink)",
    "#ffffff": "var(--page)",
}
_COLOUR = re.compile("|".join(_COLOURS))
# Plain text names its family apart, formulas in the shorthand.
_FONT = re.compile(r"font: ([^;']*?\d+(?:\.\d+)?px) [^;]*")
_FAMILY = re.compile(r"font-family: [^;]*")
_REFERENCE = re.compile(r"url\(#([^)]+)\)|^#(.+)$")
# Positions, in points: a hundredth of one can't be seen, and six digits are half of a drawing.
_PLACES = {"d", "x", "y"}
_LONG = re.compile(r"-?\d+\.\d{3,}")
#: Layout that SVG has as inherited properties, instead of matplotlib's style sheet for all (*).
_ROOT_STYLE = "stroke-linejoin:round;stroke-linecap:butt;fill:var(--ink)"


def inline(svg: str, *, alt: str, prefix: str) -> Markup:
    """Return an SVG document as an element of an HTML page.

    Parameters
    ----------
    svg
        What matplotlib wrote.
    alt
        The alternative text.
    prefix
        Put before every id.
    """
    from markupsafe import Markup

    root = ET.fromstring(svg)  # noqa: S314  what matplotlib just wrote, not a stranger
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in {"metadata", "style", "title"}:
                parent.remove(child)
    referred = {name for node in root.iter() for name in _referred(node)}
    for node in root.iter():
        node.tag = _local(node.tag)
        node.attrib = {
            _local(key): _value(_local(key), value, prefix)
            for key, value in node.attrib.items()
            if key != "id" or value in referred
        }
        for name in _PLACES & node.attrib.keys():
            node.set(name, _LONG.sub(_shorter, " ".join(node.attrib[name].split())))
        if node.tag not in {"text", "tspan"}:
            node.text = None
        node.tail = None
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.attrib |= {"role": "img", "aria-label": alt, "style": _ROOT_STYLE}
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704  the writer escapes all text


def _shorter(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _local(name: str) -> str:
    """Return a name without its namespace: HTML has none, and knows href without xlink."""
    return name.rsplit("}", 1)[-1]


def _referred(node: ET.Element) -> list[str]:
    return [
        a or b for value in node.attrib.values() for a, b in _REFERENCE.findall(value) if a or b
    ]


def _value(key: str, value: str, prefix: str) -> str:
    if key == "id":
        return f"{prefix}{value}"
    if key in {"style", "fill", "stroke"}:
        value = _COLOUR.sub(lambda match: _COLOURS[match[0]], value)
        value = _FONT.sub(r"font: \1 var(--sans)", value)
        value = _FAMILY.sub("font-family: var(--sans)", value)
    if key in {"style", "clip-path", "href", "fill", "stroke", "mask"}:
        return _REFERENCE.sub(
            lambda match: f"url(#{prefix}{match[1]})" if match[1] else f"#{prefix}{match[2]}", value
        )
    return value
