"""The command line: ``claimbench COMMAND``, one module for each command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from claimbench.errors import ClaimbenchError, UsageError

_USAGE = UsageError.exit_code


class _Parser(argparse.ArgumentParser):
    """argparse, but for the exit code of a wrong word: 4, as pytest's."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    from claimbench.cli import (
        accept,
        check,
        compare,
        data,
        doctor,
        duet,
        gate,
        list_,
        new_method,
        new_paper,
        report,
        show,
    )

    top = _Parser(
        prog="claimbench",
        description="Headline claims of papers, executed and judged. To run them:"
        " pytest suite --benchmark-only",
        epilog="Exit codes: 0 fine, 1 regressed, 2 something could not run, 4 usage.",
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    results = (list_, show, report, compare, gate, accept, duet)
    for module in (*results, check, new_method, new_paper, data, doctor):
        module.add_command(commands)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = parser().parse_args(words)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except ClaimbenchError as error:
        print(f"claimbench: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader (head, say) has seen enough; Python would flush once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
