"""What ``datasets.dvc`` pins.

It is an ordinary DVC file for the one folder ``datasets/``. DVC pins that folder by the md5 of its
listing; the listing itself, with a sha256 for each file, stands under ``meta``, so that a damaged
file can be named, and a paper's data told from the others', without DVC.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from claimbench.errors import DataError

FOLDER = "datasets"
PINS = "datasets.dvc"


@dataclass(frozen=True, slots=True)
class DataFile:
    """The pinned content of one file: its hashes, as hexadecimal digits, and its size in bytes."""

    md5: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class DataPins:
    """What ``datasets.dvc`` says: the hash of the folder, and each file by its name in it."""

    md5: str
    files: Mapping[str, DataFile]


def read_data_pins(root: Path) -> DataPins:
    """Read ``datasets.dvc``; a checkout without one pins nothing.

    Raises
    ------
    DataError
        When the file is malformed, or its listing is not that of the pinned folder.
    """
    file = root / PINS
    try:
        state = file.stat()
    except FileNotFoundError:
        return DataPins(folder_md5({}), {})
    return _read_data_pins(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _read_data_pins(file: Path, mtime_ns: int, size: int) -> DataPins:  # noqa: ARG001  cache key
    import yaml

    cure = f"git checkout {PINS}, or claimbench data build --update"
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        (out,) = content["outs"]
        files = {
            str(name): DataFile(str(pin["md5"]), str(pin["sha256"]), int(pin["size"]))
            for name, pin in sorted(content["meta"]["files"].items())
        }
        pins = DataPins(str(out["md5"]), files)
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise DataError(
            f"{PINS} is malformed ({type(error).__name__}: {said})",
            allowed="one out, and meta.files with md5, sha256 and size for each file",
            cure=cure,
        ) from error
    listed = folder_md5(files)
    if pins.md5 != listed:
        raise DataError(
            f"{PINS}: outs[0].md5 is not the hash of the files under meta",
            value=pins.md5,
            allowed=listed,
            cure=f"{cure}   (dvc add alone does not know meta)",
        )
    return pins


def folder_md5(files: Mapping[str, DataFile]) -> str:
    """Return DVC's hash of a folder: the md5 of the JSON listing of its files, and ``.dir``."""
    listing = [{"md5": files[name].md5, "relpath": name} for name in sorted(files)]
    text = json.dumps(listing, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


# A file of the same time and size is taken as unchanged for the life of a process: a worker loads
# the same data for each of hundreds of blocks.
@cache
def digests(file: Path, mtime_ns: int, size: int) -> DataFile:  # noqa: ARG001  mtime_ns: cache key
    """Return the hashes of a file; DVC's is the md5."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            md5.update(chunk)
            sha256.update(chunk)
    return DataFile(md5.hexdigest(), sha256.hexdigest(), size)


def names_in(folder: Path) -> list[str]:
    """Return the names of the files below a folder, relative to it, with forward slashes."""
    return sorted(
        file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
    )


def owner(name: str) -> str:
    """Return the paper a file of ``datasets/`` belongs to, ``<domain>/<paper>``."""
    return "/".join(name.split("/")[:2])


def data_hash(root: Path) -> str:
    """Return the pinned hash of ``datasets/``, as it stands in ``datasets.dvc``."""
    return read_data_pins(root).md5


def hash_of(root: Path, paper: str) -> str:
    """Return the hash of the pinned data a paper may read: a part of its evidence's key.

    These are the files in ``datasets/<domain>/<paper>/`` and those of the domain's shared
    substrates: folders of ``suite/<domain>/`` that hold no claim of their own.
    """
    domain = paper.partition("/")[0]

    def readable(name: str) -> bool:
        other = owner(name)
        if not other.startswith(f"{domain}/"):
            return False
        return other == paper or not (root / "suite" / other / "claim.toml").is_file()

    lines = [
        f"{pin.sha256} {name}\n"
        for name, pin in sorted(read_data_pins(root).files.items())
        if readable(name)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
