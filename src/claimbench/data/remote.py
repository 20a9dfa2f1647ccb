"""Share data sets through a DVC remote."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from claimbench.data.listing import PINS
from claimbench.errors import DataError


def has_remote(root: Path) -> bool:
    """Return whether the checkout names a DVC remote to pull from."""
    config = ConfigParser(interpolation=None)
    try:
        config.read([root / ".dvc" / "config", root / ".dvc" / "config.local"], encoding="utf-8")
    except ConfigError as error:
        raise DataError(
            f".dvc/config is malformed ({error.message})", cure="git checkout .dvc/config"
        ) from error
    return config.has_option("core", "remote")


def pull(root: Path) -> None:
    """Fetch what is missing from the DVC remote.

    Raises
    ------
    DataError
        When DVC is not installed, no remote is configured, or the pull fails.
    """
    if not has_remote(root):
        raise DataError(
            "no DVC remote is configured, so nothing can be pulled",
            cure="claimbench data build, or dvc remote add --default NAME URL",
        )
    if importlib.util.find_spec("dvc") is None:
        raise DataError(
            "the data can't be pulled: dvc is not installed", cure="pip install -e '.[data]'"
        )
    # Workers may find a file missing at the same time: the second waits for the first's lock.
    done = subprocess.run(  # noqa: S603  fixed words, no shell
        [sys.executable, "-m", "dvc", "--wait-for-lock", "pull", PINS],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise DataError(
            f"dvc pull failed ({(said or ['no message'])[0]})",
            cure=f"dvc pull -v {PINS}   (shows why), or claimbench data build",
        )
