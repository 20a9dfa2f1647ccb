"""``claimbench doctor``: what is installed, pinned, missing; device; data."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from claimbench.checkout import find_root, papers
from claimbench.claim_file import read_claim_file
from claimbench.cli.output import add_json, print_json, print_table
from claimbench.errors import ClaimbenchError, DataError


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: what was looked at, how it is, and what mends it."""

    subject: str
    state: str
    healthy: bool
    cure: str = ""


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        help="what is installed, pinned, missing; device; data",
        description="Check this machine and checkout. Exits 2 when something needs mending.",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings."""
    findings = examine(find_root())
    if arguments.json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            ("", "WHAT", "STATE", "TO MEND IT"),
            (("ok" if one.healthy else "!!", one.subject, one.state, one.cure) for one in findings),
        )
    return 0 if all(finding.healthy for finding in findings) else 2


def examine(root: Path) -> list[Finding]:
    """Return all findings on this machine and the checkout at `root`."""
    return [*_machine(), *_pins(root), *_data(root), *_claims(root)]


def _machine() -> list[Finding]:
    import torch

    from claimbench.fingerprint import fingerprint

    found = fingerprint("cpu")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = ", ".join(torch.cuda.get_device_name(index) for index in range(gpus))
    return [
        Finding("python", found["python"], healthy=True),
        *(Finding(name, found[name], healthy=True) for name in ("torch", "numpy", "scipy")),
        Finding("cpu", f"{found['cpu']}, {found['cores']} cores", healthy=True),
        Finding("blas", found["blas"], healthy=True),
        Finding("gpu", names or "none: --device cuda is not available", healthy=True),
    ]


def _pins(root: Path) -> list[Finding]:
    from claimbench.pins import check, install_command, read_pins

    try:
        pins = read_pins(root / "baselines" / "pins.toml")
    except ClaimbenchError as error:
        return [Finding("pins", str(error), healthy=False)]
    findings: dict[str, Finding] = {}
    for name, state in check(pins).items():
        for package, versions in state["packages"].items():
            installed = versions["installed"] or "not installed"
            found = (
                installed
                if versions["match"]
                else f"{installed}, pinned {versions['pinned']}: contenders such as {name}"
            )
            cure = "" if versions["match"] else install_command(pins[name].extra)
            findings.setdefault(
                package, Finding(package, found, healthy=versions["match"], cure=cure)
            )
    return list(findings.values())


def _data(root: Path) -> list[Finding]:
    from claimbench.data import verify

    try:
        problems = verify(root)
    except DataError as error:  # datasets.dvc itself
        problems = [error]
    if not problems:
        return [Finding("datasets", "as datasets.dvc pins them", healthy=True)]
    return [Finding("datasets", str(problem), healthy=False) for problem in problems]


def _claims(root: Path) -> list[Finding]:
    findings = []
    for files in papers(root):
        try:
            count = len(read_claim_file(files.claim_toml).claims)
        except ClaimbenchError as error:
            findings.append(Finding(files.id, str(error), healthy=False))
        else:
            findings.append(Finding(files.id, f"{count} claims", healthy=True))
    return findings
