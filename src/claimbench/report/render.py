"""From a record's path to the HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimbench.errors import RecordError
from claimbench.record import read_record
from claimbench.report import papers, view
from claimbench.report.numerals import counted, seconds
from claimbench.words import VERDICTS

if TYPE_CHECKING:
    from jinja2 import Environment

    from claimbench.record import Record

_FOLDER = Path(__file__).parent


def write(record_path: Path, out: Path, *, root: Path | None) -> Path:
    """Write the report; see `claimbench.report.write_report`."""
    page = html(record_path, root=root)
    aside = out.with_name(f"{out.name}.partial")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(page, encoding="utf-8")
        aside.replace(out)
    except OSError as error:
        raise RecordError(
            f"the report can't be written ({error.strerror})",
            value=str(out),
            allowed="a file in a folder you may write",
            cure=f"claimbench report {record_path} --out FILE.html",
        ) from error
    return out


def html(record_path: Path, *, root: Path | None) -> str:
    """Return the whole page."""
    record = read_record(record_path)
    links = papers.experiment_anchors(record)
    marks = papers.contender_marks(record)
    claims = view.claim_views(record, marks, links)
    sections = papers.paper_views(record, claims, marks, links, record_path=record_path, root=root)
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            record=record,
            css=_css(),
            summary=view.summary(record),
            counts=view.verdict_counts(record),
            banners=_banners(record),
            facts=_facts(record),
            fingerprint=view.flattened(record.fingerprint),
            data=view.flattened(record.data),
            holm=view.holm_note(record),
            claims=claims,
            papers=sections,
            verdicts=VERDICTS,
            command=f"pytest {record.command}",
        )
    )


def _css() -> Any:
    from markupsafe import Markup

    return Markup((_FOLDER / "report.css").read_text(encoding="utf-8"))  # noqa: S704  our own file


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        autoescape=True,
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _banners(record: Record) -> list[str]:
    """Return what a reader must know before any verdict."""
    found = []
    if not record.complete:
        found.append(
            "This run is partial: it was interrupted, or something could not run. Claims without"
            " all of their evidence are absent from this report."
        )
    if not record.claims:
        why = (
            "The smoke profile checks that everything runs and judges nothing."
            if record.profile == "smoke"
            else "A claim is judged when all contenders that it needs were selected and ran."
        )
        found.append(f"There is no verdict in this record. {why}")
    unwell = [c for c in record.contenders if c.status != "ok"]
    if unwell:
        names = ", ".join(dict.fromkeys(f"{c.name} ({c.status})" for c in unwell))
        found.append(
            f"{counted(len(unwell), 'contender')} did not finish: {names}. The tables of the"
            " experiments below give the reasons."
        )
    if record.dirty:
        found.append("The checkout had uncommitted changes: the revision alone won't repeat it.")
    return found


def _facts(record: Record) -> list[tuple[str, str, bool]]:
    """Return (name, text, whether it is code) for the head of the page."""
    spent = record.seconds
    rows = [
        ("Profile", record.profile, False),
        ("Device", record.device, False),
        ("Revision", record.revision[:12] + (" with changes" if record.dirty else ""), True),
        ("Written", record.created.replace("T", " ").replace("Z", " UTC"), False),
        ("Workers", str(record.workers), False),
        ("Root seed", str(record.seed), False),
    ]
    if "total" in spent:
        rows.append(("Wall time", seconds(spent["total"]), False))
    if "contenders" in spent:
        rows.append(("Inside contenders", seconds(spent["contenders"]), False))
    if "engine" in spent:
        rows.append(("Engine", seconds(spent["engine"]), False))
    return rows
