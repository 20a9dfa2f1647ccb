"""The first screen: papers at a glance, and the table with its filters and orders."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re

import pytest
from pages import Page, page
from reporting import PAPER, claim, claims, effect, record

from claimbench.report.overview import ORDERS
from claimbench.words import VERDICTS


def values(shown: Page, tag: str, name: str) -> list[str]:
    """Return all values of one attribute."""
    return [value for of, key, value in shown.attributes if (of, key) == (tag, name)]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The page of the made-up run, without evidence."""
    return page(tmp_path_factory.mktemp("overview"), tables={})


def test_the_one_script_is_the_one_that_the_policy_allows(shown):
    """The policy names the digest of the script's own bytes, and nothing else may run."""
    made = base64.b64encode(hashlib.sha256(shown.scripts[0].encode()).digest()).decode()
    policy = next(v for t, n, v in shown.attributes if (t, n) == ("meta", "content") and "src" in v)

    assert len(shown.scripts) == 1
    assert f"script-src 'sha256-{made}';" in policy
    assert "default-src 'none'" in policy
    assert not any(name.startswith("on") for _, name, _ in shown.attributes)


def test_controls_wait_for_the_script(shown):
    """Filters are hidden until the script shows them, and its news is announced."""
    hidden = [(t, n) for t, n, _ in shown.attributes if n == "hidden"]

    assert hidden == [("div", "hidden")]
    assert ("p", "aria-live", "polite") in shown.attributes


def test_rows_carry_what_the_script_filters_and_sorts_by(shown):
    """Each claim's row has every key; each order and filter has its column or its control."""
    for key, _ in ORDERS:
        assert len(values(shown, "tr", f"data-{key}")) == len(claims())
        assert values(shown, "th", "data-sort").count(key) == 1
        assert f"{key} descending" in values(shown, "option", "value")
    assert values(shown, "tr", "data-verdict") == [one.verdict for one in claims()]
    assert values(shown, "select", "data-filter") == ["verdict", "domain", "kind"]
    for name in ("verdict", "domain", "kind"):
        assert set(values(shown, "tr", f"data-{name}")) <= set(values(shown, "option", "value"))


def test_options_tell_how_many_claims_they_leave(shown):
    """A filter's words end with a count."""
    for words in ("reproduced (3)", "void (1)", "optimization (6)", "rate (1)"):
        assert words in shown.text


def test_every_claim_is_a_mark_at_a_glance(shown):
    """A paper's line has its domain, its counts in numbers and a named mark for each claim."""
    titles = values(shown, "a", "title")

    assert titles == [f"{one.id.partition('/')[2]}: {one.verdict}" for one in claims()]
    counts = [sum(one.verdict == verdict for one in claims()) for verdict in VERDICTS]
    told = " ".join(map(str, counts))
    assert f"optimization Sparsity-Constrained Optimal Transport {told} 90.5 s" in shown.text


def test_without_accepted_results_nothing_is_said_of_change(shown):
    """There is no filter and no note about what was never accepted."""
    assert "accepted" not in shown.text
    assert not values(shown, "tr", "data-changed")


def test_what_changed_since_it_was_accepted_is_told_and_filtered(tmp_path):
    """Verdict, goalposts, effect and novelty each have their words; the rest is unchanged."""
    first, second, third, *_ = claims()
    accepted = {
        first.id: first,
        second.id: dataclasses.replace(second, verdict="inconclusive", claim_hash="another"),
        third.id: dataclasses.replace(third, effect=effect(4.0, 3.0, 5.0, unit="nonzeros")),
        "gone": dataclasses.replace(first, id="sparse_ot/gone"),
    }

    shown = page(tmp_path, record(claims=claims()[:4]), {}, accepted=accepted)

    assert values(shown, "tr", "data-changed") == ["no", "yes", "yes", "yes"]
    assert values(shown, "select", "data-filter")[-1] == "changed"
    assert "Changed since accepted any yes (3) no (1)" in shown.text
    assert "was inconclusive; the claim itself was edited" in shown.text
    assert "effect was 4 [3, 5]" in shown.text
    assert "Since it was accepted new" in shown.text
    assert "Since it was accepted unchanged" in shown.text
    assert "1 accepted claim of these papers has no verdict here: sparse_ot/gone." in shown.text


def test_last_bits_are_no_change(tmp_path):
    """An effect that another machine rounds otherwise has not moved; without spread too."""
    exact = claim("same", effect=effect(1.0, 1.0, 1.0))
    other = dataclasses.replace(exact, effect=effect(1.0 + 1e-12, 1.0 + 1e-12, 1.0 + 1e-12))

    shown = page(tmp_path, record(claims=[other]), {}, accepted={exact.id: exact})

    assert values(shown, "tr", "data-changed") == ["no"]


def test_claims_that_were_not_judged_are_listed_with_their_reason(tmp_path):
    """What is missing from the table is named below it."""
    why = "its contender <b>open3d</b> was deselected"
    shown = page(tmp_path, record(not_judged={"sparse_ot/left-out": why}), {})

    assert f"1 claim of these papers not judged sparse_ot/left-out {why}" in shown.text


@pytest.mark.parametrize("words", ["<script>alert('x')</script>", "' onclick=\"x", "שלום \u202e"])
def test_hostile_domains_and_names_stay_words(tmp_path, words):
    """A paper, a claim and a reason from outside enter attributes and text as they are."""
    domain = words.replace("/", "")
    strange = claim(paper=f"{domain}/p", id=f"p/{words}")
    old = dataclasses.replace(strange, verdict="void")

    shown = page(
        tmp_path,
        record(claims=[strange], papers=[], contenders=[], not_judged={words: words}),
        {},
        accepted={strange.id: old, "gone": dataclasses.replace(old, id=words)},
    )

    assert values(shown, "tr", "data-domain") == [domain]
    assert domain in values(shown, "option", "value")
    assert f"{words}: reproduced" in values(shown, "a", "title")
    assert len(shown.scripts) == 1
    assert not any(name.startswith("on") for _, name, _ in shown.attributes)


def test_the_script_knows_the_keys_of_the_page(shown):
    """Names that the script looks for are on the page."""
    script = shown.scripts[0]

    assert set(re.findall(r"dataset\.(\w+)", script)) <= {"filter", "sort", "first", "verdict"}
    for css in (".controls", "table.overview"):
        assert f'"{css}"' in script
        assert css.rpartition(".")[2] in " ".join(v for _, n, v in shown.attributes if n == "class")
    assert PAPER.partition("/")[0] in values(shown, "tr", "data-domain")
