import errno
import hashlib
import multiprocessing
import os
import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from trimtab.errors import CheckpointError, StoreError
from trimtab.store import open_checkpoints

fork = multiprocessing.get_context("fork")
WEIGHTS = save({"weights": np.arange(100.0), "bias": np.zeros(3)})


def file_of(checkpoints, digest):
    return checkpoints.folder / digest[:2] / f"{digest}.safetensors"


@pytest.fixture
def checkpoints(tmp_path):
    return open_checkpoints(tmp_path / "checkpoints")


def test_bytes_come_back_by_their_sha256(checkpoints):
    for data in (WEIGHTS, b"", b"\x00" * 1000):
        digest = checkpoints.write(data)
        assert digest == hashlib.sha256(data).hexdigest()
        assert checkpoints.read(digest) == data


def test_writing_again_leaves_the_file_alone(checkpoints):
    file = file_of(checkpoints, checkpoints.write(WEIGHTS))
    before = file.stat()
    checkpoints.write(WEIGHTS)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_writing_again_heals_a_damaged_file(checkpoints):
    digest = checkpoints.write(WEIGHTS)
    file_of(checkpoints, digest).write_bytes(WEIGHTS[:-1] + b"!")
    assert checkpoints.write(WEIGHTS) == digest
    assert checkpoints.read(digest) == WEIGHTS


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, len(WEIGHTS) * 8 - 1))
def test_every_flipped_bit_is_noticed(tmp_path_factory, bit):
    checkpoints = open_checkpoints(tmp_path_factory.mktemp("flip"))
    digest = checkpoints.write(WEIGHTS)
    damaged = bytearray(WEIGHTS)
    damaged[bit // 8] ^= 1 << bit % 8
    file_of(checkpoints, digest).write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"changed|cut short"):
        checkpoints.read(digest)


@pytest.mark.parametrize("length", [0, 4, 20, len(WEIGHTS) // 2, len(WEIGHTS) - 1])
def test_a_checkpoint_cut_short_says_so(checkpoints, length):
    digest = checkpoints.write(WEIGHTS)
    file_of(checkpoints, digest).write_bytes(WEIGHTS[:length])
    with pytest.raises(CheckpointError, match=f"{digest[:12]} is cut short: the {length} bytes of"):
        checkpoints.read(digest)


def test_a_changed_checkpoint_says_so(checkpoints):
    digest = checkpoints.write(WEIGHTS)
    file_of(checkpoints, digest).write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(CheckpointError, match="is changed"):
        checkpoints.read(digest)


def test_a_checkpoint_that_was_never_written_is_missing(checkpoints):
    with pytest.raises(CheckpointError, match="000000000000 is missing"):
        checkpoints.read("0" * 64)


@pytest.mark.parametrize(
    "digest",
    ["", "abc", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n", "../" * 21 + "0", "/etc/passwd", "%2e%2e%2f" * 7 + "0", "0" * 63 + "\0",
     "..\\" * 21 + "0", "C:" + "0" * 62, "０" * 64],
)  # fmt: skip
def test_nothing_but_a_digest_is_looked_for(checkpoints, digest):
    with pytest.raises(CheckpointError, match="expected a digest of 64 hexadecimal digits"):
        checkpoints.read(digest)


def test_what_is_not_wanted_is_deleted_and_its_bytes_are_counted(checkpoints):
    digests = [checkpoints.write(bytes([number]) * number) for number in range(1, 6)]
    assert checkpoints.collect(digests[:2]) == 3 + 4 + 5
    assert checkpoints.digests() == frozenset(digests[:2])
    assert checkpoints.collect(digests) == 0


def test_files_of_others_are_not_collected(checkpoints):
    digest = checkpoints.write(WEIGHTS)
    notes = file_of(checkpoints, digest).with_name("notes.txt")
    notes.write_text("mine")
    checkpoints.collect(())
    assert notes.exists()


def killed_in_mid_write(folder, written):
    real = os.fsync

    def fsync(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            written.send(True)
            written.recv()
        real(descriptor)

    os.fsync = fsync
    open_checkpoints(folder).write(WEIGHTS)


def test_a_write_that_was_killed_leaves_no_checkpoint_and_is_cleaned_up(tmp_path, checkpoints):
    ours, theirs = fork.Pipe()
    process = fork.Process(target=killed_in_mid_write, args=(checkpoints.folder, theirs))
    process.start()
    ours.recv()
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    with pytest.raises(CheckpointError, match="missing"):
        checkpoints.read(digest)
    assert checkpoints.collect(()) == 0  # it is still being written
    process.kill()
    process.join()
    assert checkpoints.collect(()) == len(WEIGHTS)
    assert [path for path in checkpoints.folder.rglob("*") if path.is_file()] == []


def full_disk(folder, result):
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    checkpoints = open_checkpoints(folder)
    small = checkpoints.write(b"small")
    try:
        checkpoints.write(WEIGHTS * 10)
    except StoreError as error:
        result.send((str(error), error.__cause__.errno, checkpoints.read(small)))


def test_a_disk_that_takes_no_more_says_so_and_leaves_nothing_half_written(checkpoints):
    ours, theirs = fork.Pipe()
    process = fork.Process(target=full_disk, args=(checkpoints.folder, theirs))
    process.start()
    message, code, small = ours.recv()
    process.join()
    assert f"checkpoint of {len(WEIGHTS) * 10} bytes cannot be written to" in message
    assert (code, small) == (errno.EFBIG, b"small")
    assert len([path for path in checkpoints.folder.rglob("*") if path.is_file()]) == 1


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        open_checkpoints(tmp_path / "file").write(b"data")


def test_the_url_opens_the_same_place_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoints = open_checkpoints("odd name % 1")
    digest = checkpoints.write(WEIGHTS)
    monkeypatch.chdir("/")
    assert open_checkpoints(checkpoints.url).read(digest) == WEIGHTS


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/x", "http://169.254.169.254/latest", "file://host/share", "ftp://x"])
def test_a_place_that_is_not_on_this_machine_is_refused_without_its_secrets(url):
    with pytest.raises(StoreError, match="expected a folder or file:///folder") as caught:
        open_checkpoints(url)
    assert "secret" not in str(caught.value)
