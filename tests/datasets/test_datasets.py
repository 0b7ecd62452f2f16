"""Data sets: found where they lie, downloaded where they do not, and never taken for what they are not."""

import gzip
import hashlib
import http.server
import json
import os
import threading
from functools import partial
from pathlib import Path

import pytest

from trimtab.cli import main
from trimtab.datasets import fetch, fetching, find, origins, registry
from trimtab.datasets.registry import Dataset
from trimtab.errors import DatasetError

CONTENT = b"period,price,class\n0.1,0.2,UP\n"
TEXT = b"a film that is not bad"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data and no cache on this machine, and a server of our own in the place of the official one; return its folder."""
    served = tmp_path / "served"
    served.mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.delenv("TRIMTAB_DATA", raising=False)
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(origins, "SERVER", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(handler.func, "log_message", lambda *_: None)
    yield served
    server.shutdown()
    server.server_close()


def known(monkeypatch: pytest.MonkeyPatch, **files: bytes) -> None:
    """Let the registry know a data set "small" of these files."""
    hashes = {path.replace("__", "/").replace("_", "."): hashlib.sha256(content).hexdigest() for path, content in files.items()}
    small = Dataset("small", "", "MIT", "", hashes)
    monkeypatch.setattr(fetching, "find", lambda name: small if name == "small" else find(name))


def serve(folder: Path, path: str, content: bytes) -> None:
    to = folder / origins.address(path).removeprefix(origins.SERVER)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(content)


def test_every_data_set_has_files_with_hashes_and_addresses_or_a_package() -> None:
    assert len(registry()) >= 15
    for one in registry().values():
        assert bool(one.files) != bool(one.package), one.name
        assert all((one.about, one.licence, one.home)), one.name
        assert bool(one.package) == bool(one.install), one.name
        for path, digest in one.files.items():
            assert len(digest) == 64
            assert origins.address(path).startswith("https://raw.githubusercontent.com/")


def test_a_data_set_is_downloaded_once_and_then_lies_in_the_cache(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, nltk__small_zip=TEXT, streams__small_csv_gz=CONTENT)
    serve(elsewhere, "nltk/small.zip", TEXT)
    serve(elsewhere, "streams/small.csv.gz", CONTENT)
    told: list[str] = []
    folder = fetch("small", progress=told.append)
    assert told == ["nltk/small.zip", "streams/small.csv.gz"]
    assert (folder / "small.zip").read_bytes() == TEXT
    assert gzip.decompress((folder.parent / "streams" / "small.csv.gz").read_bytes()) == CONTENT
    assert not list(folder.parent.rglob("*.part"))
    assert fetch("small", progress=told.append) == folder
    assert len(told) == 2


def test_a_download_that_is_another_file_is_refused_and_not_kept(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, nltk__small_zip=TEXT)
    serve(elsewhere, "nltk/small.zip", b"something else")
    with pytest.raises(DatasetError, match=r"nltk/small\.zip is neither in TRIMTAB_DATA \(not set\).*http://127.*hash"):
        fetch("small")
    assert not list((Path(os.environ["TRIMTAB_CACHE"])).rglob("*.*"))


def test_a_file_that_cannot_be_had_names_the_address_and_the_variable(elsewhere: Path) -> None:
    with pytest.raises(DatasetError, match=r"http://127.*/nltk_data/.*/qc\.zip cannot be had.*set TRIMTAB_DATA to the folder"):
        fetch("qc")


def test_a_given_folder_comes_first_and_a_damaged_file_in_it_is_refused(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, nltk__small_zip=TEXT)
    given = tmp_path / "given" / "nltk"
    given.mkdir(parents=True)
    (given / "small.zip").write_bytes(TEXT)
    monkeypatch.setenv("TRIMTAB_DATA", str(given.parent))
    assert fetch("small") == given
    (given / "small.zip").write_bytes(TEXT[:-1])
    with pytest.raises(DatasetError, match=r"expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}: another file"):
        fetch("small")


def test_a_packed_file_that_is_cut_short_is_refused(elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, streams__small_csv_gz=CONTENT)
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams" / "small.csv.gz").write_bytes(gzip.compress(CONTENT)[:-9])
    monkeypatch.setenv("TRIMTAB_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match="is damaged"):
        fetch("small")


@pytest.mark.parametrize("name", sorted(name for name, one in registry().items() if one.files))
def test_the_files_on_this_machine_are_what_the_registry_says(name: str) -> None:
    if not fetching.is_here(registry()[name]):
        pytest.skip(f"{name} is not on this machine")
    assert fetch(name).is_dir()


def test_an_unknown_name_and_a_package_that_is_missing_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match=r"expected one of sentence_polarity, .*got 'imagenet'"):
        fetch("imagenet")
    absent = Dataset("absent", "", "MIT", "", package="no_such_package", install="pip install absent")
    monkeypatch.setattr(fetching, "find", lambda _: absent)
    with pytest.raises(DatasetError, match="inside the package no_such_package: pip install absent"):
        fetch("absent")


def test_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["data", "list", "--json"])
    assert not end.value.code
    told = json.loads(capsys.readouterr().out)
    assert told["multi30k"]["licence"].startswith("for research")
    with pytest.raises(SystemExit) as end:
        main(["data", "get", "imagenet"])
    assert end.value.code
    assert "expected one of" in capsys.readouterr().err
