"""Checkpoints in a local folder, addressed by the SHA-256 of their bytes: whole, or not there.

A file is written beside its final place, forced to the disk, and renamed; then the directory is forced to the disk too.
Bytes are compared with their digest before anything parses them, so that a damaged checkpoint is never half believed.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trimtab.errors import CheckpointError, StoreError

DIGEST = re.compile(r"[0-9a-f]{64}")
SUFFIX = ".safetensors"
A_DAY = 86_400.0


def open_checkpoints(url: str | Path) -> LocalCheckpoints:
    """Return the checkpoints at ``url``: a folder, or ``file:///folder``. The folder is made by the first write."""
    text = str(url)
    if "://" not in text:
        return LocalCheckpoints(Path(text).absolute())
    parts = urlsplit(text)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise StoreError(f"checkpoints: expected a folder or file:///folder, got {parts.scheme}://{parts.hostname or ''}/…")
    return LocalCheckpoints(Path(unquote(parts.path)))


class LocalCheckpoints:
    """Checkpoints in ``folder``, which only its owner may read. Any number of processes may write at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def url(self) -> str:
        """The folder as a file URL."""
        return self.folder.as_uri()

    def write(self, data: bytes) -> str:
        """Write ``data`` durably and return its digest; nothing is written if it is there already."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        try:
            # compared, not believed: writing a damaged checkpoint again heals it
            if not (path.exists() and path.read_bytes() == data):
                _make_folder(path.parent)
                _write_atomically(path, data)
        except OSError as error:
            raise StoreError(f"checkpoint of {len(data)} bytes cannot be written to {path.parent}: {error.strerror}") from error
        return digest

    def read(self, digest: str) -> bytes:
        """Return the bytes of ``digest``, verified; raise CheckpointError if they are missing, cut short or changed."""
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise CheckpointError(f"checkpoint {digest[:12]} is missing: there is no {path}") from error
        except OSError as error:
            raise CheckpointError(f"checkpoint {digest[:12]} cannot be read from {path}: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise CheckpointError(
                f"checkpoint {digest[:12]} is {_damage(data)}: the {len(data)} bytes of {path} are not those written; "
                "go on from another node, or restore the file"
            )
        return data

    def holds(self, digest: str) -> bool:
        """Return whether there is a file for ``digest``; only ``read`` knows whether it is whole."""
        return self._path(digest).exists()

    def digests(self) -> frozenset[str]:
        """Return the digests of all checkpoints that are there."""
        return frozenset(path.stem for path in self._files() if _is_checkpoint(path))

    def collect(self, wanted: Collection[str]) -> int:
        """Delete every checkpoint that is not in ``wanted``, and what interrupted writes left; return the bytes freed."""
        return self.remove(self.digests() - frozenset(wanted)) + self.sweep()

    def remove(self, digests: Collection[str]) -> int:
        """Delete the checkpoints ``digests`` and return the number of bytes freed."""
        return sum(_unlink(self._path(digest)) for digest in digests)

    def sweep(self) -> int:
        """Delete what interrupted writes left and return the number of bytes freed."""
        return sum(_unlink(path) for path in self._files() if _is_abandoned(path))

    def _path(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise CheckpointError(f"checkpoint: expected a digest of 64 hexadecimal digits, got {digest!r}")
        return self.folder / digest[:2] / f"{digest}{SUFFIX}"

    def _files(self) -> Iterator[Path]:
        try:
            return iter([path for path in self.folder.glob("[0-9a-f][0-9a-f]/*") if not path.is_dir()])
        except OSError as error:
            raise StoreError(f"checkpoints in {self.folder} cannot be listed: {error.strerror}") from error


def _is_checkpoint(path: Path) -> bool:
    return path.suffix == SUFFIX and DIGEST.fullmatch(path.stem) is not None


def _is_abandoned(path: Path) -> bool:
    """Return whether ``path`` is the unfinished write of a process that has ended; its number may be in use again."""
    found = re.fullmatch(r"\.(\d+)-.*\.part", path.name)
    if found is None:
        return False
    with suppress(FileNotFoundError):
        return not _is_running(int(found[1])) or time.time() - path.stat().st_mtime > A_DAY
    return False


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _damage(data: bytes) -> str:
    """Return whether safetensors bytes that fail their digest are shorter than their own header says, or changed."""
    return "cut short" if len(data) < 8 or len(data) < 8 + int.from_bytes(data[:8], "little") + _body(data) else "changed"


def _body(data: bytes) -> int:
    """Return the length of the tensors that the header of ``data`` promises: the largest end of a tensor; 0 if unclear."""
    header = data[8 : 8 + int.from_bytes(data[:8], "little")][:1_000_000]
    return max((int(end) for end in re.findall(rb'"data_offsets":\[\d{1,18},(\d{1,18})\]', header)), default=0)


def _unlink(path: Path) -> int:
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreError(f"{path} cannot be deleted: {error.strerror}") from error
    return size


def _make_folder(folder: Path) -> None:
    for path in (folder.parent.parent, folder.parent, folder):
        if not path.is_dir():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(path.parent)


def _write_atomically(path: Path, data: bytes) -> None:
    # the name says whose write it is, so that it can be told from what a killed process left; mkstemp gives mode 0600
    descriptor, name = tempfile.mkstemp(prefix=f".{os.getpid()}-", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Force the names in ``folder`` to the disk, where the system can (Windows cannot)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
