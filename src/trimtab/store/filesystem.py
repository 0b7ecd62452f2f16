"""Whether a file lies on another machine, where SQLite's write-ahead log does not work."""

from __future__ import annotations

import os
from pathlib import Path

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "lustre", "gpfs"}
)
"""Linux names of file systems whose shared memory is not shared between machines: https://www.sqlite.org/wal.html."""


def is_network(path: Path, mounts: str | None = None) -> bool:
    """Return whether ``path`` is on a network file system, by the text of /proc/mounts; False where there is none."""
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
    kinds = {_unescaped(line.split()[1]): line.split()[2] for line in mounts.splitlines() if len(line.split()) > 2}
    folder = Path(os.path.realpath(path))
    mount = next((str(parent) for parent in (folder, *folder.parents) if str(parent) in kinds), "")
    return kinds.get(mount, "") in NETWORK


def _unescaped(mount: str) -> str:
    return mount.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
