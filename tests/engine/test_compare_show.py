"""The comparison as text, Markdown, JSON and page."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from reporting import claim, effect, record, replace_all, write_run

from claimbench.compare import page, show
from claimbench.compare.claims import Change
from claimbench.compare.compared import Compared, compare
from claimbench.compare.words import headline, shift_words
from claimbench.gate.movement import Movement
from claimbench.gate.parts import Part, Shift
from claimbench.record import ClaimRecord, Comparison, Record, read_record, write_record

DOCS = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
NASTY = '<script>alert("x")</script> | `b` [d](http://e.example) \u202eg\x1b[31m'
VOID = {"meta", "br"}


class Reader(HTMLParser):
    """A strict reader of a page: tags nest, ids are unique; texts are collected by tag."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.names.add(name)
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.links.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def moved(one: ClaimRecord, by: float) -> ClaimRecord:
    assert one.effect is not None
    assert one.effect.value is not None
    new = [None if x is None else x + by for x in one.replicates]
    return dataclasses.replace(
        one,
        replicates=new,
        effect=dataclasses.replace(one.effect, value=one.effect.value + by),
    )


def other() -> Record:
    """Return a record in which something of everything happened."""
    run = record()
    by_name = {one.id.partition("/")[2]: one for one in run.claims}
    by_name["smoother"] = moved(by_name["smoother"], 0.05)
    by_name["hard-cardinality"] = dataclasses.replace(by_name["hard-cardinality"], claim_hash="x")
    by_name["plans-exact"] = dataclasses.replace(
        by_name["plans-exact"], verdict="inconclusive", reason="The interval is wide."
    )
    by_name.pop("interpolates")
    by_name["new"] = claim("new", candidates=[Comparison("yours", "void", "", effect(0, -1, 1))])
    gone = dataclasses.replace(by_name["faster-than-pot"], candidates=[])
    by_name["faster-than-pot"] = gone
    contenders = [one for one in run.contenders if one.name != "mine"]
    return dataclasses.replace(
        run, claims=list(by_name.values()), contenders=contenders, revision="f" * 40, seed=0
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    folder = tmp_path_factory.mktemp("compare")
    return compare(write_run(folder / "a"), write_run(folder / "b", other()))


def test_the_headline_counts_what_happened(found: Compared) -> None:
    """Of the claims in both."""
    assert headline(found) == (
        "Of 5 claims in both records, 1 changed its verdict, 1 is worse, 1 is not comparable and 2"
        " did not move"
    )


def test_a_record_against_itself_says_so(tmp_path: Path) -> None:
    """In one sentence, whatever the format."""
    path = write_run(tmp_path)
    same = compare(path, path)
    words = "Nothing moved: all 6 claims in both records are equal bit for bit"

    for text in (show.text(same), show.markdown(same), Reader(page.html(same)).text):
        assert words in text
    assert json.loads(show.to_json(same))["summary"] == f"{words}."


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.09, 0.02, "within the gate's tolerance of 0.1"),
        (-0.11, 0.02, "perhaps beyond the gate's tolerance of 0.1"),
        (-0.02, 0.11, "perhaps beyond the gate's tolerance of 0.1"),
        (0.11, 0.2, "better, beyond the gate's tolerance of 0.1"),
        (-0.2, -0.11, "worse, beyond the gate's tolerance of 0.1"),
    ],
)
def test_a_shift_is_set_beside_the_gate_s_tolerance(low: float, high: float, words: str) -> None:
    """By its whole interval, on either side."""
    part = Part("", "reproduced", effect(1.0, 0.0, 2.0), [])
    movement = Movement((low + high) / 2, low, high, same=False)

    assert shift_words(Change(Shift(part, part, movement, 0.99), "", 0.1)).endswith(words)


@pytest.mark.parametrize("form", ["text", "markdown", "page"])
def test_every_format_tells_what_moved(found: Compared, form: str) -> None:
    """What differs first; effects, shift and tolerance; what is only in one; what is folded."""
    text = {
        "text": show.text(found),
        "markdown": re.sub(r"\\(.)", r"\1", show.markdown(found)),
        "page": Reader(page.html(found)).text,
    }[form]
    for words in (
        "The goalposts of 1 claim differ",
        "verdict: not reproduced in A, inconclusive in B. The interval is wide.",
        "−0.05 [−0.05, −0.05]",
        "what was fixed before the run differs",
        "sparse_ot/interpolates",
        "the other run does not know it",
        "sparse_ot/new",
        "yours",
        "mine",
        "2 claims did not move",
        "race: mine, candidate, is only in A (failed).",
        "Seconds are compared as ratios inside each run's races",
        "the exit code is 0",
    ):
        assert words in text, words


def test_markdown_is_tables_of_equal_rows(found: Compared) -> None:
    """As a parser that others wrote reads them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(show.markdown(found))
    cells = 0
    widths: list[set[int]] = []
    for token in tokens:
        if token.type == "table_open":
            widths.append(set())
        elif token.type == "tr_open":
            cells = 0
        elif token.type in {"td_open", "th_open"}:
            cells += 1
        elif token.type == "tr_close":
            widths[-1].add(cells)

    assert len(widths) == 5
    assert all(len(one) == 1 for one in widths)


def test_json_has_the_documented_keys(found: Compared) -> None:
    """docs/report.md names each of them and no other."""
    whole = json.loads(show.to_json(found), parse_constant=pytest.fail)
    section = DOCS.partition("### The JSON of a comparison")[2]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    table = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    prose = set(re.findall(r"`(\w+)`", section.partition("Of each claim:")[2]))
    claims = whole["claims"]
    parts = [part for one in claims for part in one["parts"]]

    assert set(whole) == table
    named = {*claims[0], *claims[0]["a"], *parts[0], *parts[0]["shift"]}
    assert named <= prose
    assert prose <= named | {"control", "candidate"}
    for name in ("a", "only", "candidates", "seconds"):
        [row] = re.findall(rf"^\| `{name}`.*$", section, re.MULTILINE)
        one = whole[name] if name == "a" else whole[name][0]
        assert set(one) <= set(re.findall(r"`(\w+)`", row)), name


def test_json_has_the_numbers_unrounded(found: Compared) -> None:
    """The shift is that of the replicates."""
    whole = json.loads(show.to_json(found))
    [one] = [one for one in whole["claims"] if one["id"] == "sparse_ot/smoother"]
    [part] = [part for part in one["parts"] if not part["role"]]

    assert part["shift"]["value"] == pytest.approx(-0.05)
    assert part["a"]["value"] == -0.84
    assert one["state"] == "worse"


def test_the_page_needs_nothing_and_links_to_itself(found: Compared) -> None:
    """No script, no picture from elsewhere; every link leads to an id of the page."""
    read = Reader(page.html(found))

    assert not {"script", "img", "link", "iframe", "object"} & read.tags
    assert not {name for name in read.names if name.startswith("on")}
    for link in read.links:
        assert link.removeprefix("#") in read.ids
    assert read.text.count("What moved") == 1
    assert {"main", "header", "footer", "h1", "h2", "caption", "details"} <= read.tags


def test_equal_records_give_equal_bytes(found: Compared) -> None:
    """No date and no path enters."""
    assert page.html(found) == page.html(found)
    assert "/tmp" not in page.html(found) + show.text(found) + show.to_json(found)


def test_words_from_outside_are_only_words(tmp_path: Path) -> None:
    """Tags, columns, links and what steers a terminal come from no name and no error."""
    hostile = replace_all(record(), NASTY)
    hostile = dataclasses.replace(
        hostile,
        pins={NASTY: {"packages": {NASTY: {"pinned": "1", "installed": NASTY, "match": False}}}},
        not_judged={NASTY: NASTY},
    )
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    write_record(hostile, a)
    changed = dataclasses.replace(moved(hostile.claims[0], 0.1), verdict="void", candidates=[])
    calm = dataclasses.replace(hostile, fingerprint={NASTY: "x"}, claims=[changed])
    write_record(calm, b)
    for pair in ((a, b), (b, a)):
        both = compare(*pair)
        read = Reader(page.html(both))
        assert "script" not in read.tags
        assert '<script>alert("x")</script>' in read.text
        text = show.text(both)
        assert not {"\x1b", "\u202e"} & set(text + show.markdown(both))
        kinds = {
            child.type
            for token in MarkdownIt("commonmark").enable("table").parse(show.markdown(both))
            for child in (token, *(token.children or []))
        }
        assert not kinds & {"html_inline", "link_open", "code_inline", "image"}


@pytest.mark.parametrize(
    "changes",
    [{"claims": []}, {"complete": False}, {"claims": [], "papers": [], "contenders": []}],
)
def test_empty_and_partial_records_are_compared(tmp_path: Path, changes: dict[str, Any]) -> None:
    """With a note, in all formats."""
    a = write_run(tmp_path / "a")
    b = write_run(tmp_path / "b", record(**changes))
    both = compare(a, b)

    words = "B holds no verdict" if "claims" in changes else "B is partial"
    for text in (show.text(both), show.markdown(both), Reader(page.html(both)).text):
        assert words in text
    assert json.loads(show.to_json(both))["notes"]
    assert len(read_record(b).claims) == len(both.claims)
