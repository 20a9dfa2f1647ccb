"""An asv plugin: an environment that borrows its packages, and machines without host names.

asv's own environments install everything anew from an index: gigabytes for one torch. This one
installs nothing. It is an empty virtual environment with one file, ``borrowed.pth``, which puts two
things on the path: ``src/`` of the commit that asv checked out, and the site-packages of the
environment that runs asv. ``suite/`` and ``baselines/`` are the commit's as well, for they are
imported from the folder that holds ``src/``.
"""

from __future__ import annotations

import json
import os
import site
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

from asv import util
from asv.environment import Environment, EnvironmentUnavailable
from asv.machine import Machine

from claimbench.duet.worktrees import lend_data
from claimbench.evidence.pool import ONE_THREAD
from claimbench.fingerprint import fingerprint, fingerprint_id
from claimbench.history.plan import plan


class Borrowed(Environment):  # type: ignore[misc]  # asv is not annotated
    """The environment type ``borrowed`` of ``asv.conf.json``."""

    tool_name = "borrowed"

    def __init__(self, conf: Any, python: str, requirements: Any, env_vars: Any) -> None:
        if not self.matches(python):
            raise EnvironmentUnavailable(
                f"packages can be borrowed for Python {_version()} only, not for {python}"
            )
        self._requirements = requirements  # asv's own name for it, which it reads at once
        super().__init__(conf, python, requirements, env_vars)
        self._root = Path.cwd()  # asv goes to the folder of asv.conf.json
        if not Path(__file__).is_relative_to(self._root / "src"):
            raise util.UserError(
                "asv has the engine of another checkout. To mend it, in the environment that runs"
                " asv: pip install --no-deps -e ."
            )
        self._place = Path(self._path)

    @classmethod
    def matches(cls, python: str) -> bool:
        """Tell whether it is the version that runs asv."""
        return python == _version()

    def check_presence(self) -> bool:
        """Tell whether the environment is there and borrows what it would borrow now."""
        file = self._borrowed()
        return (
            (self._place / "bin" / "python").exists()
            and file.is_file()
            and file.read_text(encoding="utf-8") == self._paths()
        )

    def create(self) -> None:
        """Make the environment where it is missing, and write down what is followed."""
        if not self._is_setup:
            super().create()
            text = json.dumps(plan(self._root), indent=1)
            (self._place / "plan.json").write_text(text, encoding="utf-8")

    def _setup(self) -> None:
        venv.create(self._place, symlinks=True, with_pip=False)
        self._borrowed().write_text(self._paths(), encoding="utf-8")

    def _borrowed(self) -> Path:
        scheme = {"base": str(self._place), "platbase": str(self._place)}
        return Path(sysconfig.get_path("purelib", "venv", scheme)) / "borrowed.pth"

    def _paths(self) -> str:
        """Return the lines of the file: the commit's engine first, so that it hides any other."""
        lent = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        lent += site.getsitepackages()
        if site.ENABLE_USER_SITE:
            lent.append(site.getusersitepackages())
        paths = [str(Path(self._build_root) / "src"), *lent]
        return "".join(f"{path}\n" for path in dict.fromkeys(paths))

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        """Check the commit out, with the data here where it pins the same."""
        super().install_project(conf, repo, commit_hash)
        lend_data(self._root, Path(self._build_root))

    def run(self, args: list[str], **words: Any) -> Any:
        """Run the environment's Python, on one thread as the engine's workers do."""
        env = {**words.pop("env", os.environ), **ONE_THREAD}
        return self.run_executable("python", args, env=env, **words)


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def setup() -> None:
    """Let machines be named by their fingerprint; asv calls this when it loads the plugin.

    asv would take the host's name, and write it into every result.
    """
    Machine.load = classmethod(_this_machine)


def _this_machine(cls: type[Any], /, machine_name: str | None = None, **_words: Any) -> Any:
    facts = fingerprint()
    system, _, arch = facts["system"].partition(" ")
    machine = cls()
    machine.__dict__.update(
        machine=machine_name or fingerprint_id(),
        os=system,
        arch=arch,
        cpu=facts["cpu"],
        num_cpu=str(facts["cores"]),
        ram="",
    )
    return machine
