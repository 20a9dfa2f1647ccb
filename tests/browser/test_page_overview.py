"""Sorting and filtering the table of claims, with a mouse and with keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Visit, choose, head, opened, table, violations, width_of
from reporting import claims


@pytest.fixture(scope="module")
def visit(browser: Any, full_report: Path) -> Iterator[Visit]:
    """The report of six claims, with every verdict, in the dark."""
    with opened(browser, full_report, color_scheme="dark") as one:
        yield one


@pytest.fixture
def page(visit: Visit) -> Iterator[Any]:
    """The page as it is when it was just opened."""
    visit.page.reload()
    yield visit.page
    assert visit.complaints == []


def names(page: Any) -> list[str]:
    """Return the claims that are seen, from the top."""
    return [row["Claim"] for row in table(page)]


def ways(page: Any) -> dict[str, str]:
    """Return the columns that say that the table is sorted by them, and how."""
    return dict(
        page.locator("th[aria-sort]").evaluate_all(
            "(all) => all.map((one) => [one.innerText.trim(), one.getAttribute('aria-sort')])"
        )
    )


NAMES = [claim.id.partition("/")[2] for claim in claims()]
VERDICTS = {name: claim.verdict for name, claim in zip(NAMES, claims(), strict=True)}
KINDS = {name: claim.kind for name, claim in zip(NAMES, claims(), strict=True)}


def test_at_first_all_claims_are_there_in_the_order_of_the_record(page: Any) -> None:
    """Nothing is sorted or hidden until somebody asks for it; each row has its verdict in words."""
    assert names(page) == NAMES
    assert {row["Claim"]: row["Verdict"] for row in table(page)} == VERDICTS
    assert ways(page) == {}


@pytest.mark.parametrize("verdict", sorted(set(VERDICTS.values())))
def test_the_filter_of_verdicts_leaves_those_claims(page: Any, verdict: str) -> None:
    """Of each verdict exactly its claims stay, and their number is told to who can't see it."""
    choose(page, "Verdict", verdict)

    wanted = [name for name in NAMES if VERDICTS[name] == verdict]
    assert names(page) == wanted
    assert f"{len(wanted)} of {len(NAMES)}" in page.get_by_role("status").inner_text()


def test_filters_hold_together(page: Any) -> None:
    """A verdict and a kind leave what has both; what has neither leaves nothing, until a reset."""
    choose(page, "Verdict", "reproduced")
    choose(page, "Kind", "bound")
    assert names(page) == [n for n in NAMES if (VERDICTS[n], KINDS[n]) == ("reproduced", "bound")]

    choose(page, "Verdict", "void")
    assert names(page) == []
    assert f"0 of {len(NAMES)}" in page.get_by_role("status").inner_text()

    page.get_by_role("button", name="Reset").click()
    assert names(page) == NAMES


def test_what_changed_since_it_was_accepted_is_found(page: Any) -> None:
    """A claim whose verdict was another and a new one are what changed."""
    choose(page, "Changed since accepted", "yes")
    assert names(page) == NAMES[:2]

    choose(page, "Changed since accepted", "no")
    assert names(page) == NAMES[2:]


def test_the_filter_of_domains_leaves_their_papers(page: Any) -> None:
    """Of two domains one is left, and no heading of the other's papers."""
    choose(page, "Domain", "imaging")

    titles = page.locator("table.overview th[scope=rowgroup]:visible a")
    assert titles.all_inner_texts() == ["imaging/other"]
    assert names(page) == NAMES[-1:]


ORDERS = {
    "Claim": [sorted(NAMES), sorted(NAMES, reverse=True)],
    # Of numbers the largest comes first, an hour before eleven seconds, and what has none last.
    "Cost": [[NAMES[i] for i in (5, 1, 0, 3, 4, 2)], [NAMES[i] for i in (2, 4, 3, 0, 1, 5)]],
    "n": [[NAMES[i] for i in (2, 0, 1, 3, 4, 5)], [NAMES[i] for i in (0, 1, 3, 4, 2, 5)]],
}


@pytest.mark.parametrize("column", ORDERS)
def test_a_press_on_the_head_of_a_column_sorts_by_it(page: Any, column: str) -> None:
    """A second press turns the order round, and a third brings back the order of the papers."""
    first, second = ORDERS[column]
    way = ["ascending", "descending"] if first == sorted(first) else ["descending", "ascending"]

    head(page, column).click()
    assert names(page) == first
    assert ways(page) == {column: way[0]}

    head(page, column).click()
    assert names(page) == second
    assert ways(page) == {column: way[1]}

    head(page, column).click()
    assert names(page) == NAMES
    assert ways(page) == {}


def test_equal_verdicts_stand_together_in_their_order(page: Any) -> None:
    """Verdicts are sorted as they are told everywhere, not by the alphabet."""
    head(page, "Verdict").click()

    order = ["reproduced", "not reproduced", "inconclusive", "void"]
    assert [row["Verdict"] for row in table(page)] == sorted(VERDICTS.values(), key=order.index)


def test_sorting_keeps_the_filter(page: Any) -> None:
    """What is filtered out does not come back when the table is sorted."""
    choose(page, "Verdict", "reproduced")
    head(page, "Claim").click()

    assert names(page) == sorted(name for name in NAMES if VERDICTS[name] == "reproduced")


def test_keys_do_what_the_mouse_does(page: Any) -> None:
    """From the heading on, Tab reaches filters and heads; letters choose and Enter sorts."""
    page.locator("#overview").focus()
    page.keyboard.press("Tab")
    page.keyboard.type("not")
    assert names(page) == [name for name in NAMES if VERDICTS[name] == "not reproduced"]

    page.get_by_role("button", name="Reset").press("Enter")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert names(page) == sorted(NAMES)
    assert ways(page) == {"Claim": "ascending"}


def test_a_phone_sorts_too(browser: Any, full_report: Path) -> None:
    """Where the columns have no heads there is a list of orders instead."""
    with opened(browser, full_report, width=360) as visit:
        choose(visit.page, "Sort by", "name descending")

        assert names(visit.page) == sorted(NAMES, reverse=True)
        assert width_of(visit.page) <= 360


def test_axe_finds_no_violation_with_every_verdict(page: Any) -> None:
    """axe-core, with all its rules, has nothing to say in the dark against all kinds of claims."""
    head(page, "Cost").click()

    assert violations(page) == ""
