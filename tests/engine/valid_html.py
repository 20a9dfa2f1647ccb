"""Is a page valid HTML?  html5lib's errors, and rules of content that a parser does not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import html5lib


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HTML = "{http://www.w3.org/1999/xhtml}"

#: What may stand inside of a line of text (HTML Living Standard, section 3.2.5.2.5).
PHRASING = _words("""
    a abbr b bdi bdo br button cite code data datalist del dfn em i img input ins kbd label mark
    meter output picture progress q s samp script select small span strong sub sup svg template
    textarea time u var wbr""")
HEADINGS = {f"h{level}" for level in range(1, 7)}
SECTIONS = {"article", "aside", "nav", "section"}
FLOW = (
    PHRASING
    | HEADINGS
    | SECTIONS
    | _words("""
        address blockquote details dialog div dl fieldset figure footer form header hgroup hr
        main menu ol p pre search table ul""")
)
ROWS = _words("tr script template")
#: Element -> the children that it may have; those that are not here may have any flow content.
CHILDREN = {
    **dict.fromkeys(PHRASING - {"a", "del", "ins", "select", "datalist", "picture"}, PHRASING),
    **dict.fromkeys(HEADINGS | {"p", "pre"}, PHRASING),
    **dict.fromkeys(("summary", "legend"), PHRASING | HEADINGS),
    **dict.fromkeys(("ul", "ol", "menu"), _words("li script template")),
    **dict.fromkeys(("thead", "tbody", "tfoot"), ROWS),
    **dict.fromkeys(("dt", "th"), FLOW - HEADINGS - SECTIONS - {"header", "footer", "main"}),
    **dict.fromkeys(("optgroup", "datalist"), _words("option")),
    "a": FLOW,
    "caption": FLOW - {"table"},
    "colgroup": {"col", "template"},
    "details": FLOW | {"summary"},
    "dl": {"dt", "dd", "div", "script", "template"},
    "fieldset": FLOW | {"legend"},
    "figure": FLOW | {"figcaption"},
    "title": set(),
    "style": set(),
    "head": {"base", "link", "meta", "noscript", "script", "style", "template", "title"},
    "html": {"head", "body"},
    "select": {"option", "optgroup", "hr"},
    "table": {"caption", "colgroup", "thead", "tbody", "tfoot", *ROWS},
    "tr": {"th", "td", "script", "template"},
}
KNOWN = FLOW.union({"html"}, *CHILDREN.values())
#: These stand first among their siblings, if they are there at all.
FIRST = {"summary": "details", "caption": "table", "legend": "fieldset"}
INTERACTIVE = {"a", "button", "details", "input", "label", "select", "textarea"}

GLOBAL = _words("class dir hidden id inert lang role style tabindex title")
ATTRIBUTES = {
    "a": {"download", "href", "hreflang", "rel", "type"},
    "button": {"disabled", "form", "name", "type", "value"},
    "data": {"value"},
    "details": {"name", "open"},
    "fieldset": {"disabled", "form", "name"},
    "img": {"alt", "decoding", "height", "loading", "src", "width"},
    "input": _words("autocomplete checked disabled max min name placeholder size type value"),
    "label": {"for"},
    "link": {"href", "media", "rel", "type"},
    "meta": {"charset", "content", "http-equiv", "media", "name"},
    "ol": {"reversed", "start", "type"},
    "optgroup": {"disabled", "label"},
    "option": {"disabled", "label", "selected", "value"},
    "output": {"for", "form", "name"},
    "script": {"async", "defer", "src", "type"},
    "select": {"autocomplete", "disabled", "form", "multiple", "name", "size"},
    "style": {"media"},
    "td": {"colspan", "headers", "rowspan"},
    "th": {"abbr", "colspan", "headers", "rowspan", "scope"},
    "time": {"datetime"},
}
#: Attributes that name other elements by their ids.
REFERENCES = {"aria-controls", "aria-describedby", "aria-labelledby", "for", "headers", "list"}


def errors_of(page: str) -> list[str]:
    """Return what is wrong with a page, in words; nothing when it is valid."""
    parser = html5lib.HTMLParser()
    root = parser.parse(page)
    found = [f"line {line}: {code} {facts}" for (line, _), code, facts in parser.errors]
    parents = {child: parent for parent in root.iter() for child in parent}
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.startswith(HTML):
            place = f"<{_name(element)} {dict(element.attrib)}>"
            found += [f"{place}: {error}" for error in _of_element(element, parents)]
    return [*found, *_of_references(root)]


def _name(element: Element) -> str:
    """Return the tag without its namespace, which html5lib gives to SVG too."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "comment"


def _of_element(element: Element, parents: dict[Element, Element]) -> Iterator[str]:
    """Yield what is wrong with an element, its attributes and its children."""
    name = _name(element)
    if name not in KNOWN:
        yield "there is no such element"
    for attribute in element.attrib:
        known = attribute in GLOBAL | ATTRIBUTES.get(name, set())
        if not known and not attribute.startswith(("data-", "aria-")):
            yield f"there is no attribute {attribute} here"
    children = [child for child in element if isinstance(child.tag, str)]
    allowed = CHILDREN.get(name, FLOW)
    # A div that groups the terms of a list holds nothing else.
    if name == "div" and _name(parents[element]) == "dl":
        allowed = {"dt", "dd", "script", "template"}
    for index, child in enumerate(children):
        if _name(child) not in allowed:
            yield f"a <{_name(child)}> can't stand in here"
        if index and FIRST.get(_name(child)) == name:
            yield f"its <{_name(child)}> is not first"
    if name == "details" and (not children or _name(children[0]) != "summary"):
        yield "it has no summary"
    if name in {"ul", "ol"} and not children:
        yield "a list of nothing"
    if name in INTERACTIVE - {"details"}:
        for inner in element.iter():
            control = _name(inner) in INTERACTIVE or "tabindex" in inner.attrib
            if inner is not element and control and name != "label":
                yield f"a <{_name(inner)}> inside of what is itself pressed"


def _of_references(root: Element) -> Iterator[str]:
    """Yield ids that occur twice or have blanks, and references that lead nowhere."""
    ids = Counter(element.get("id") for element in root.iter() if element.get("id") is not None)
    for name, times in ids.items():
        if times > 1:
            yield f"the id {name!r} occurs {times} times"
        if not name or name.split() != [name]:
            yield f"the id {name!r} is empty or has blanks"
    for element in root.iter():
        for attribute, value in element.attrib.items():
            names = value.split() if attribute in REFERENCES else []
            if attribute == "href" and value.startswith("#"):
                names = [value[1:]]
            yield from (
                f"{attribute} of <{_name(element)}> names {name!r}, which is not here"
                for name in names
                if name not in ids
            )
