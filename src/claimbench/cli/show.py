"""``claimbench show CLAIM``: what is claimed, what is run and how it is judged."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from claimbench.checkout import PaperFiles, find_root, papers
from claimbench.claim import Claim
from claimbench.claim_file import ClaimFile, read_claim_file
from claimbench.cli.output import add_json, print_json
from claimbench.errors import UsageError


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "show",
        help="one claim: statement, experiment, rule",
        description="Show what one claim says, what is run for it and how it is judged.",
    )
    parser.add_argument("claim", metavar="CLAIM", help="<paper>/<claim>, as `claimbench list` says")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the claim as registered."""
    found = {
        f"{files.slug}/{claim.id}": (files, file, claim)
        for files in papers(find_root())
        for file in [read_claim_file(files.claim_toml)]
        for claim in file.claims
    }
    if arguments.claim not in found:
        raise UsageError("unknown claim", value=arguments.claim, allowed=found)
    files, file, claim = found[arguments.claim]
    if arguments.json:
        print_json(
            {
                "paper": {"id": files.id, **dataclasses.asdict(file.paper)},
                "claim": dataclasses.asdict(claim),
                "experiment": file.experiments[claim.experiment],
            }
        )
    else:
        print("\n".join(_lines(files, file, claim)))
    return 0


def _lines(files: PaperFiles, file: ClaimFile, claim: Claim) -> Iterator[str]:
    paper = file.paper
    primary = ", primary" if claim.primary else ""
    yield f"{files.slug}/{claim.id}  ({claim.kind}, {claim.scale} scale{primary})"
    yield f"  {claim.statement}"
    yield f"  {', '.join(paper.authors)}: {paper.title} ({paper.year}), {claim.source}"
    if claim.printed:
        yield f"  printed: {claim.printed}"
    yield f"rule      {_rule(claim)}"
    yield f"estimand  {claim.estimand}, in {claim.unit or 'no unit'}"
    yield f"method    {claim.method}"
    if claim.against:
        yield f"against   {', '.join(claim.against)}"
    control = claim.control.contender or claim.method
    yield f"control   {control}{_where(claim.control.where)}, which must fail"
    yield f"on        {claim.experiment}{_where(claim.where)}"
    for key, value in file.experiments[claim.experiment].items():
        yield f"            {key} = {value}"
    if claim.scale_reason:
        yield f"scale     {claim.scale_reason}"
    slug = files.folder.relative_to(files.root).as_posix()
    yield f"run       pytest {slug} --benchmark-only -k {claim.id}"


def _where(where: Mapping[str, Any]) -> str:
    return " at " + ", ".join(f"{key} = {value}" for key, value in where.items()) if where else ""


def _rule(claim: Claim) -> str:
    """Return the rule for `reproduced`, as the table of docs/statistics.md has it."""
    bound = None if claim.threshold is None else claim.threshold + claim.margin
    return {
        "superiority": f"the 95% interval lies above 0 (worth having from {claim.margin:g})",
        "magnitude": f"the 95% interval lies above 0 (worth having from {claim.margin:g})",
        "non-inferiority": f"the 95% interval lies above {-claim.margin:g}",
        "equivalence": f"the 90% interval lies within ±{claim.margin:g}",
        "rate": f"the 95% interval lies at most at {bound}",
        "bound": f"the 95% interval lies at most at {bound}",
        "success": f"Wilson's 95% interval lies above {claim.threshold}",
        "identity": f"every effect lies within ±{claim.margin:g}",
    }[claim.kind]
