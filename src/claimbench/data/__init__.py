"""Data sets: built from code, pinned by content in ``datasets.dvc``, verified at every load."""

from claimbench.data.building import build, builders
from claimbench.data.fetching import fetch
from claimbench.data.listing import data_hash, hash_of
from claimbench.data.loading import array, path, verify
from claimbench.data.remote import pull

__all__ = ["array", "build", "builders", "data_hash", "fetch", "hash_of", "path", "pull", "verify"]
