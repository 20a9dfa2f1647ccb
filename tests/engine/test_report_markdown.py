"""The report as Markdown, read back by a parser that others wrote."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from reporting import claim, contenders, effect, record, replace_all

from claimbench.record import Comparison, Record
from claimbench.report.markdown import LIMIT, cell, fitted, line, markdown
from claimbench.words import VERDICTS

PARSER = MarkdownIt("commonmark").enable("table")
NASTY = '<script>alert("x")</script> | a`b` **c** [d](http://e.example) &amp; $x$ ~~f~~ \u202eg\nh'


def tables(text: str) -> list[list[list[str]]]:
    """Return the texts of all cells of all tables, as a reader sees them."""
    found: list[list[list[str]]] = []
    inside = False
    for token in PARSER.parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in {"td_open", "th_open"}:
            inside = True
        elif token.type in {"td_close", "th_close"}:
            inside = False
        elif token.type == "inline" and inside:
            found[-1][-1].append("".join(child.content for child in token.children or []))
    return found


def test_the_tables_say_what_the_record_says() -> None:
    """Read back: the counts, and a row for each claim with verdict, effect and control."""
    run = record()
    counts, *rest = tables(markdown(run))
    rows = [row for table in rest if table[0][0] == "verdict" for row in table[1:]]

    numbers = dict(zip(counts[0], map(int, counts[1]), strict=True))
    assert numbers == {
        verdict: sum(one.verdict == verdict for one in run.claims) for verdict in VERDICTS
    }
    by_claim = {row[1].partition(" ")[0]: row for row in rows if "candidate" not in row[1]}
    assert list(by_claim) == [one.id for one in run.claims]
    for one in run.claims:
        verdict, name, shown, control = by_claim[one.id]
        assert verdict == one.verdict
        assert one.statement in name
        assert control == f"{one.control.contender}: {one.control.verdict}"
        if one.effect is None:
            assert shown == "none"
        else:
            assert shown.endswith(f"{one.effect.unit}, n = {one.effect.n}")
            value = float(re.sub(r"×10.*", "", shown.split()[0].replace("−", "-")))
            exponent = re.match(r"\S+×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", shown.split()[0])
            if exponent:
                value *= 10 ** int(
                    exponent[1].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
                )
            assert value == pytest.approx(one.effect.value, rel=0.01)


def test_candidates_have_rows_of_their_own() -> None:
    """A user's method is found beside the claim that it was put to."""
    [row] = [
        row
        for table in tables(markdown(record()))
        for row in table
        if "candidate mine" in row[1:2][0]
    ]

    assert row[0] == "inconclusive"
    assert row[2].startswith("0.3")


def test_what_did_not_finish_and_what_was_not_judged_is_told() -> None:
    """With its reason."""
    text = markdown(record(not_judged={"sparse_ot/lost": "a contender was deselected"}))
    rows = [row for table in tables(text) for row in table]

    assert ["sparse_ot/lost", "a contender was deselected"] in rows
    unwell = [one for one in contenders() if one.status != "ok"]
    for one in unwell:
        assert [f"{one.paper}/{one.experiment}", one.name, one.status, one.reason] in rows


def test_words_from_outside_are_only_words() -> None:
    """No tag, link, code, emphasis or column comes from a statement, a name or an error."""
    text = markdown(replace_all(record(), NASTY))
    tokens = [child for token in PARSER.parse(text) for child in (token, *(token.children or []))]
    kinds = {token.type for token in tokens}

    assert not kinds & {"html_block", "html_inline", "link_open", "code_inline", "fence", "image"}
    assert "em_open" not in kinds
    assert "\u202e" not in text
    for table in tables(text):
        assert len({len(row) for row in table}) == 1
    assert any("<script>alert" in one for table in tables(text) for row in table for one in row)


@given(st.text(max_size=80) | st.sampled_from(["&amp;", "a &lt;b&gt; &#64;", NASTY]))
def test_a_cell_reads_as_its_text(text: str) -> None:
    """Whatever it is made of: a parser reads it back, in one cell, without markup."""
    [table] = tables(f"| a | b |\n|---|---|\n| {cell(text)} | z |\n")
    expected = line(text).strip()

    assert table[1][-1] == "z"
    assert table[1][0].strip() == expected


def test_a_line_has_no_control_characters() -> None:
    """A terminal is not steered by a name."""
    assert line("a\x1b[31mb\nc\u202ed") == "a\ufffd[31mb c\ufffdd"


def test_what_does_not_fit_is_counted() -> None:
    """A summary of a job has a limit; what is lost is said."""
    many = [dataclasses.replace(claim(f"c{i}"), statement="long " * 110) for i in range(2500)]
    text = markdown(record(claims=many))

    assert LIMIT - 2000 < len(text.encode()) < LIMIT < 2**20
    assert re.search(r"\n[\d,]+ lines left out: the HTML report has all\.\n$", text)
    assert fitted(["a", "b"]) == "a\nb\n"


@given(
    st.lists(st.text("aé€", min_size=9, max_size=30), min_size=2, max_size=40),
    st.integers(101, 400),
)
def test_the_limit_is_in_bytes_and_holds(lines: list[str], limit: int) -> None:
    """Whole lines only; nothing is left out that would have fitted with room to spare."""
    text = fitted(lines, limit)
    everything = "\n".join(lines)

    assert len(text.encode()) <= limit
    if "left out" in text:
        kept, _, _ = text.rstrip().rpartition("\n")
        assert everything.startswith(kept.rstrip())
        assert len(everything.encode()) >= limit - 100
    else:
        assert text == everything.rstrip() + "\n"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"claims": [], "profile": "smoke"}, "The smoke profile checks that everything runs"),
        ({"complete": False}, "This run is partial"),
        ({"dirty": True}, "uncommitted changes"),
        ({"claims": [claim(holm=False)]}, "not after Holm"),
        ({"claims": [claim(effect=effect(None, None, None))]}, "undefined"),
    ],
)
def test_states_of_a_record_are_told(changes: dict[str, object], words: str) -> None:
    """Empty, partial, uncommitted, undefined."""
    assert words in markdown(record(**changes))


def test_the_text_does_not_depend_on_what_is_not_in_the_record() -> None:
    """Twice the same."""
    run: Record = record()
    assert markdown(run) == markdown(run)
    none = dataclasses.replace(run.claims[0], candidates=[Comparison("mine", "void")])
    assert "candidate mine" in markdown(record(claims=[none]))
