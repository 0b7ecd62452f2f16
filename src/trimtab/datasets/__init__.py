"""Data sets by name: verified files of ``$TRIMTAB_DATA``, of the user's cache, or from their official sources."""

from trimtab.datasets.fetching import fetch
from trimtab.datasets.registry import Dataset, find, registry

__all__ = ["Dataset", "fetch", "find", "registry"]
