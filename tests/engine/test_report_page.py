"""The page as a whole."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from pages import page
from reporting import (
    PAPER,
    claim,
    claims,
    contenders,
    effect,
    race,
    record,
    replace_all,
    write_run,
)

from claimbench.errors import RecordError
from claimbench.record import Comparison, ConditionRecord
from claimbench.report import write_report
from claimbench.statistics.power import CAP


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The report of the whole made-up run."""
    return page(tmp_path_factory.mktemp("whole"))


def test_summary_counts_every_verdict(whole):
    """The head says in one sentence how many claims came out how."""
    assert (
        "Of 6 claims from 1 paper, 3 are reproduced, 1 is not reproduced, 1 is inconclusive and 1"
        " is void."
    ) in whole.text


def test_every_claim_is_told_from_sentence_to_rerun(whole):
    """Each claim has sentence, source, verdict's reason, estimand, hash and its own command."""
    for shown in claims():
        name = shown.id.partition("/")[2]
        for words in (shown.statement, shown.source, shown.reason, shown.estimand):
            assert words in whole.text
        assert f"pytest suite/{PAPER} --benchmark-only --profile standard -k {name}" in whole.text
        assert f"claim-sparse_ot-{name}" in whole.ids


def test_facts_of_the_run_are_there(whole):
    """Profile, device, revision, machine, seed, data, Holm's note and costs can be read."""
    for words in (
        "Profile standard",
        "Device cpu",
        record().revision,
        "2026-01-31 12:00 UTC",
        "Example CPU at 3.0 GHz",
        "Root seed 0",
        record().data["hash"],
        "Holm's correction at 5% over 3 primary claims with a p-value removes none",
        "Wall time 84.2 s",
        "About 64 replicates would settle it",
        "A proxy for the routing experiment",
    ):
        assert words in whole.text


def test_contenders_and_pins_are_told_in_words(whole):
    """A failed and an unavailable opponent show their reasons; pins show versions and mismatch."""
    for words in (
        "1 contender did not run, since its package is not installed: cone_program.",
        "1 contender did not finish: mine (failed)",
        "No module named 'cvxpy'; to mend it: pip install 'claimbench[peers]'",
        "ValueError: kth out of bounds",
        "POT 0.9.7.post1, as pinned",
        "cvxpy pinned 1.9.3, installed none",
        "grid: memory = 10, 20 or 0.5",
        "tuned: memory = 20",
    ):
        assert words in whole.text


def test_page_needs_nothing_but_itself(whole):
    """No request: every address is a fragment of the page or data inside of it."""
    assert not whole.tags & {"link", "iframe", "object", "embed", "img"}
    assert not any((tag, name) == ("script", "src") for tag, name, _ in whole.attributes)
    for tag, name, value in whole.attributes:
        if name in {"href", "src", "xlink:href", "srcset", "action"}:
            assert value.startswith(("#", "data:")), (tag, name, value)
    assert ("meta", "http-equiv", "Content-Security-Policy") in whole.attributes


def test_ids_are_unique_and_links_resolve(whole):
    """Every link inside of the page has its target, and no id occurs twice."""
    assert len(set(whole.ids)) == len(whole.ids)
    inside = {link[1:] for link in whole.links if link.startswith("#")}
    assert inside
    assert inside <= set(whole.ids)


def test_page_has_landmarks_and_one_first_heading(whole):
    """Header, main and footer exist; tables have captions; h1 occurs once."""
    assert {"header", "main", "footer", "caption", "h1", "h2", "h3"} <= whole.tags
    assert ("th", "scope", "row") in whole.attributes


def test_pictures_have_alternatives(whole):
    """Every picture that is not decoration has a role and a name."""
    roles = [i for i, (tag, name, value) in enumerate(whole.attributes) if value == "img"]

    assert len(roles) > 20
    labels = [v for tag, name, v in whole.attributes if tag == "svg" and name == "aria-label"]
    assert len(labels) == len(roles)
    assert all(labels)


def test_same_input_same_bytes(tmp_path):
    """Two reports of one record are equal to the byte."""
    path = write_run(tmp_path, tables={"race": race()})
    first, second = (
        write_report(path, tmp_path / f"{name}.html").read_bytes() for name in ("one", "two")
    )

    assert first == second


def test_no_claim_is_said_not_left_blank(tmp_path):
    """A record without claims explains itself; of the smoke profile it says why."""
    empty = page(tmp_path, record(claims=[], profile="smoke"), {})

    assert "No claim was judged" in empty.text
    assert "The smoke profile checks that everything runs and judges nothing." in empty.text


def test_record_of_nothing_renders(tmp_path):
    """Without papers, claims and contenders there is still a page with its facts."""
    bare = page(tmp_path, record(claims=[], contenders=[], papers=[], pins={}, data={}), {})

    assert "No claim was judged in this run." in bare.text
    assert "Device cpu" in bare.text


def test_partial_run_is_announced(tmp_path):
    """An interrupted run says so before any verdict."""
    shown = page(tmp_path, record(complete=False), {})

    assert shown.text.index("This run is partial") < shown.text.index("Each mark is a claim")


def test_uncommitted_changes_are_announced(tmp_path):
    """A dirty checkout is told twice: as a banner and at the revision."""
    shown = page(tmp_path, record(dirty=True), {})

    assert "The checkout had uncommitted changes" in shown.text
    assert "0123456789ab with changes" in shown.text


def test_void_claim_and_missing_effect_have_banners(tmp_path):
    """A void claim explains the control's part; a null effect is no empty plot."""
    shown = page(tmp_path, record(claims=[claims()[-1]]), {})

    assert "Void: the control passes the claim's own rule" in shown.text
    assert "No effect could be estimated" in shown.text
    assert "The one claim from 1 paper is void." in shown.text


def test_holm_marks_what_it_removes(tmp_path):
    """A claim that does not survive Holm is marked in the table, at the claim and in the note."""
    shown = page(tmp_path, record(claims=[claim(holm=False), claim("other")]), {})

    assert shown.text.count("not after Holm") == 2
    assert "removes smoother; the verdicts shown are before correction" in shown.text
    assert "does not survive Holm's correction" in shown.text


def test_missing_evidence_is_said_where_curves_would_be(tmp_path):
    """Without evidence files verdicts stand and the gap is named."""
    shown = page(tmp_path, tables={})

    assert f"There is no evidence file 20260131T120000Z-0123456789/{PAPER}/sweep" in shown.text


def test_unknown_paper_of_a_claim_still_has_its_section(tmp_path):
    """A claim whose paper the record does not describe is shown under the paper's id."""
    shown = page(tmp_path, record(papers=[], contenders=[]), {})

    assert f"paper-{PAPER.replace('/', '-')}" in shown.ids
    assert claims()[0].statement in shown.text


@pytest.mark.parametrize(
    "words",
    [
        "<script>alert('x')</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}",
        "&amp; שלום \u202e",
    ],
)
def test_words_from_outside_stay_words(tmp_path, words):
    """Markup, template code, entities and right-to-left text in any field are shown literally."""
    table = race().query("ties == 'none'").replace("pot_dual", words)

    shown = page(tmp_path, replace_all(record(), words), {"race": table})

    assert len(shown.scripts) == 1
    assert not any(name.startswith("on") for _, name, _ in shown.attributes)
    assert " ".join(words.split()) in shown.text
    assert not (shown.tags & {"img"})


def test_values_that_json_lacks_are_words(tmp_path):
    """Unbounded and undefined numbers appear as such, never as None or nan."""
    strange = claim(effect=effect(None, None, None), replicates=[None] * 3, peak_memory_bytes=None)

    shown = page(tmp_path, record(claims=[strange]), {})

    assert "undefined [−∞, ∞]" in shown.text
    assert not re.search(r"\b(None|nan|inf)\b", shown.text)


@pytest.mark.parametrize(
    ("needed", "words"),
    [
        (64, "About 64 replicates would settle it with 80% power: add --replicates 64"),
        (CAP, "It would take 10,000 replicates or more: patience alone won't settle it."),
    ],
)
def test_what_would_settle_an_inconclusive_claim_is_said(tmp_path, needed, words):
    """The number of replicates is told with the option that asks for them, up to the cap."""
    open_claim = claim(verdict="inconclusive", needed=needed)

    assert words in page(tmp_path, record(claims=[open_claim]), {}).text


def test_opponents_are_a_conjunction_with_a_row_each(tmp_path):
    """Of two opponents each has its row and its pin; the method's row is the weakest."""
    shown = page(tmp_path, record(claims=[claims()[1]]), {})

    assert "method, the weakest of the comparisons below" in shown.text
    assert shown.text.count("the method against this opponent · pin pot") == 2


def test_conditions_are_told_one_by_one_with_what_the_control_makes_of_them(tmp_path):
    """Each named condition has a line: name, effect, its own verdict and the control's."""
    strong, weak = effect(0.2, 0.1, 0.3), effect(0.9, 0.7, 1.1)
    control = Comparison(
        "shuffled_k",
        "not reproduced",
        "",
        effect(3.0, 2.5, 3.5),
        conditions=[ConditionRecord("slope <up>", "not reproduced", effect(3.0, 2.5, 3.5))],
    )
    both = [
        ConditionRecord("slope <up>", "reproduced", strong),
        ConditionRecord("level", "inconclusive", weak),
    ]
    shown = page(tmp_path, record(claims=[claim(conditions=both, control=control)]), {})

    assert "2 conditions, all of which must hold" in shown.text
    assert "slope <up>" in shown.text
    assert "0.2 [0.1, 0.3] reproduced not reproduced" in shown.text
    assert "level" in shown.text
    assert "0.9 [0.7, 1.1] inconclusive" in shown.text


def test_without_named_conditions_there_is_no_list_of_them(tmp_path):
    """A claim of one condition says nothing of conditions."""
    assert "condition" not in page(tmp_path, record(claims=[claim()]), {}).text


def test_device_enters_the_rerun_command(tmp_path):
    """A claim judged on a GPU is rerun on a GPU."""
    shown = page(tmp_path, record(device="cuda"), {})

    assert "--profile standard --device cuda -k smoother" in shown.text


def test_missing_record_is_refused(tmp_path):
    """A record that does not exist is the record's own error."""
    with pytest.raises(RecordError, match="the record can't be read"):
        write_report(tmp_path / "none.json", tmp_path / "out.html")


def test_unwritable_place_is_refused_with_a_cure(tmp_path):
    """A report that can't be written names the file and the command to choose another."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(RecordError, match=r"the report can't be written.*claimbench report"):
        write_report(write_run(tmp_path, tables={}), tmp_path / "file" / "report.html")


def test_importing_the_report_imports_nothing_heavy():
    """The command line starts without matplotlib, seaborn, pandas, jinja2 or torch."""
    heavy = "{'matplotlib', 'seaborn', 'pandas', 'jinja2', 'torch', 'numpy'}"
    code = f"import sys, claimbench.report; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_contenders_of_every_status_are_listed(whole):
    """No contender of the record is missing from the page."""
    for contender in contenders():
        assert contender.name in whole.text
