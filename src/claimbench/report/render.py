"""From a record's path to the HTML file."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimbench.aside import written
from claimbench.errors import RecordError
from claimbench.record import read_record
from claimbench.report import ledger, overview, papers, run, subjects, view
from claimbench.report.foreign import foreign
from claimbench.report.history import read_history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

    from claimbench.record import ClaimRecord


_FOLDER = Path(__file__).parent
_FOREIGN = ("title", "problem", "facts", "cure")


def write(
    record_path: Path,
    out: Path,
    *,
    root: Path | None,
    accepted: Mapping[str, ClaimRecord] | None = None,
    processes: int = 1,
) -> Path:
    """Write the report; see `claimbench.report.write_report`."""
    link = _history_link(root, out)
    page = html(record_path, root=root, accepted=accepted, link=link, processes=processes)
    try:
        with written(out) as file:
            file.write(page.encode())
    except OSError as error:
        raise RecordError(
            f"the report can't be written ({error.strerror})",
            value=str(out),
            allowed="a file in a folder you may write",
            cure=f"claimbench report {record_path} --out FOLDER",
        ) from error
    return out


def html(
    record_path: Path,
    *,
    root: Path | None,
    accepted: Mapping[str, ClaimRecord] | None = None,
    link: str = "",
    processes: int = 1,
) -> str:
    """Return the whole page; `link` leads from it to the history of commits."""
    try:
        record = read_record(record_path)
    except RecordError:
        strange = foreign(record_path)
        if strange is None:
            raise
        return _page("foreign.html.jinja", **{name: getattr(strange, name) for name in _FOREIGN})
    links = papers.experiment_anchors(record)
    marks = papers.contender_marks(record)
    shared = subjects.known(record, marks, papers.pin_anchors(record))
    claims = view.claim_views(record, shared, links, accepted)
    sections = papers.paper_views(
        record, claims, marks, links, record_path=record_path, root=root, processes=processes
    )
    return _page(
        "page.html.jinja",
        record=record,
        title=run.title(record),
        summary=run.summary(record),
        counts=run.verdict_counts(record),
        banners=run.banners(record),
        facts=run.facts(record),
        fingerprint=view.flattened(record.fingerprint),
        data=view.flattened(record.data),
        holm=run.holm_note(record),
        claims=claims,
        papers=sections,
        filters=tuple(overview.filters(claims)),
        orders=overview.ORDERS,
        ranks=overview.RANKS,
        gone=overview.gone(record, accepted or {}),
        not_judged=record.not_judged,
        ledger=ledger.ledger(record, sections, marks),
        seeds=ledger.seeds_note(record),
        history=read_history(root, record),
        history_link=link,
        command=f"pytest {record.command}",
    )


def _page(template: str, **shown: Any) -> str:
    js = _own("report.js")
    made = hashlib.sha256(js.encode()).digest()
    return (
        _environment()
        .get_template(template)
        .render(
            css=_own("report.css"),
            js=js,
            script_hash=f"sha256-{base64.b64encode(made).decode()}",
            **shown,
        )
    )


def _history_link(root: Path | None, out: Path) -> str:
    """Return the way from the page to the history, where both lie in the same checkout."""
    if root is None or not out.resolve().is_relative_to(root.resolve()):
        return ""
    up = len(out.resolve().relative_to(root.resolve()).parts) - 1
    return "../" * up + "results/history/"


def _own(name: str) -> Any:
    from markupsafe import Markup

    return Markup((_FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704  our own file


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
