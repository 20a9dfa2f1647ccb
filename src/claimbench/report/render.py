"""From a record's path to the HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimbench.errors import RecordError
from claimbench.record import read_record
from claimbench.report import papers, run, view
from claimbench.report.history import read_history

if TYPE_CHECKING:
    from jinja2 import Environment


_FOLDER = Path(__file__).parent


def write(record_path: Path, out: Path, *, root: Path | None) -> Path:
    """Write the report; see `claimbench.report.write_report`."""
    page = html(record_path, root=root, link=_history_link(root, out))
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
            cure=f"claimbench report {record_path} --out FOLDER",
        ) from error
    return out


def html(record_path: Path, *, root: Path | None, link: str = "") -> str:
    """Return the whole page; `link` leads from it to the history of commits."""
    record = read_record(record_path)
    links = papers.experiment_anchors(record)
    marks = papers.contender_marks(record)
    claims = view.claim_views(record, marks, links, papers.pin_anchors(record))
    sections = papers.paper_views(record, claims, marks, links, record_path=record_path, root=root)
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            record=record,
            css=_css(),
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
            history=read_history(root, record),
            history_link=link,
            command=f"pytest {record.command}",
        )
    )


def _history_link(root: Path | None, out: Path) -> str:
    """Return the way from the page to the history, where both lie in the same checkout."""
    if root is None or not out.resolve().is_relative_to(root.resolve()):
        return ""
    up = len(out.resolve().relative_to(root.resolve()).parts) - 1
    return "../" * up + "results/history/"


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
