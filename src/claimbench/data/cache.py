"""Give DVC its copy of what was built, so that it can share the data and finds nothing amiss.

DVC compares ``datasets/`` with its cache, which holds each file under its md5 and the listing of
the folder under the md5 of that. Without such a copy a build, though equal to its pins bit for bit,
is "not in cache", and there is nothing that ``dvc push`` could send.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from configparser import ConfigParser
from functools import partial
from pathlib import Path

from claimbench.data.listing import FOLDER, DataPins, digests, read_data_pins
from claimbench.errors import DataError

#: As DVC leaves them: an object of the cache is never written again.
_READ_ONLY = 0o444


def keep(root: Path) -> None:
    """Copy what is pinned and built into DVC's cache, in a checkout that DVC knows.

    A file that is missing, or is not the pinned one, is left out. It is a copy and no link: damage
    to ``datasets/`` must not reach what would mend it.

    Raises
    ------
    DataError
        When the cache can't be written.
    """
    if not (root / ".dvc").is_dir():
        return
    pins = read_data_pins(root)
    if not pins.files:
        return
    objects = cache_folder(root) / "files" / "md5"
    try:
        for name, pin in pins.files.items():
            file = root / FOLDER / name
            if file.is_file():
                _put(objects, pin.md5, partial(shutil.copyfile, file))
        _put(objects, pins.md5, partial(_write_listing, pins))
    except OSError as error:
        raise DataError(
            f"DVC's cache can't be written ({error.strerror})",
            value=str(objects),
            allowed="a folder you may write, on a disk with room",
            cure="dvc cache dir --local FOLDER",
        ) from error


def cache_folder(root: Path) -> Path:
    """Return where DVC keeps its copies; a relative ``cache.dir`` starts at ``.dvc/``."""
    config = ConfigParser(interpolation=None)
    config.read([root / ".dvc" / "config", root / ".dvc" / "config.local"], encoding="utf-8")
    chosen = config.get("cache", "dir", fallback="cache")
    return root / ".dvc" / Path(chosen).expanduser()


def _write_listing(pins: DataPins, target: Path) -> None:
    """Write what `claimbench.data.listing.folder_md5` hashes."""
    listing = [{"md5": pins.files[name].md5, "relpath": name} for name in sorted(pins.files)]
    target.write_text(json.dumps(listing, sort_keys=True), encoding="utf-8")


def _put(objects: Path, md5: str, write: Callable[[Path], object]) -> None:
    target = objects / md5[:2] / md5[2:]
    if target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.partial")
    write(aside)
    state = aside.stat()
    if digests(aside, state.st_mtime_ns, state.st_size).md5 != md5.removesuffix(".dir"):
        aside.unlink()  # not the pinned content: `verify` names it
        return
    aside.chmod(_READ_ONLY)
    aside.replace(target)
