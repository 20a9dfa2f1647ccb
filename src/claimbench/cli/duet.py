"""``claimbench duet BASE HEAD [CLAIM ...]``: the seconds of two revisions, side by side."""

from __future__ import annotations

import argparse
from typing import Any

from claimbench.checkout import find_root


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "duet",
        help="is a revision slower than another?",
        description="Time the methods of two revisions by turns on this machine. Exit codes: 0"
        " fine, 1 slower, 4 usage.",
    )
    parser.add_argument("base", metavar="BASE", help="a commit, branch or tag")
    parser.add_argument("head", metavar="HEAD", help="the same, or . for the working tree")
    parser.add_argument(
        "claims", metavar="CLAIM", nargs="*", help="<paper>/<claim>; default: all of them"
    )
    parser.add_argument("--profile", choices=("smoke", "standard", "full"), default="standard")
    parser.add_argument("--format", choices=("text", "markdown", "json", "junit"), default="text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each kernel and return the exit code."""
    from claimbench.duet.kernels import kernels
    from claimbench.duet.rounds import duet
    from claimbench.duet.worktrees import checkout
    from claimbench.gate import show
    from claimbench.gate.gate import Gate
    from claimbench.gate.summary import summarise

    root = find_root()
    with checkout(root, arguments.base) as base, checkout(root, arguments.head) as head:
        chosen = list(kernels(head, arguments.claims, profile=arguments.profile))
        found = Gate(tuple(duet(chosen, base, head)), ())
    if arguments.format == "text":
        for one in found.findings:
            print(f"{one.state}: {one.name}\n  {one.before} -> {one.after}; {one.reason}")
        for line in show.sight(found):
            print(line)
        print(show.headline(found))
    else:
        shown = {"markdown": show.markdown, "json": show.to_json, "junit": show.junit}
        print(shown[arguments.format](found), end="")
    summarise(found)
    return found.exit_code(strict=False)
