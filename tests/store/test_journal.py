import math
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from trimtab.errors import MissingExtraError, StoreError, StoreLockedError, StoreVersionError
from trimtab.store import list_studies, open_journal, schema
from trimtab.store.contract import JournalContract, JournalMachine, example_node
from trimtab.store.records import SegmentFinished, SettingFixed, StudyFinished

fork = multiprocessing.get_context("fork")


class TestSqlJournal(JournalContract):
    def open(self, folder, study="study"):
        return open_journal(folder / "digits.db", study)


class SqlJournalMachine(JournalMachine):
    def open(self, folder):
        return open_journal(folder / "digits.db", "study")


class TestSqlJournalMachine(SqlJournalMachine.TestCase):
    settings = settings(max_examples=12, stateful_step_count=15, deadline=None, derandomize=True)


@pytest.mark.slow
class TestSqlJournalMachineAtLength(SqlJournalMachine.TestCase):
    settings = settings(max_examples=200, stateful_step_count=50, deadline=None)


def append_until_killed(path, acknowledged):
    journal = open_journal(path, "study")
    with journal.lock():
        node = len(journal.read())
        while True:
            node += 1
            digest = journal.checkpoints.write(str(node).encode())
            journal.append([SegmentFinished(example_node(node, checkpoint=digest))])
            acknowledged.send(node)


@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_what_was_acknowledged_before_a_kill_is_there_once_with_its_checkpoint(tmp_path, kills):
    rng = random.Random(0)
    told = 0
    for _ in range(kills):
        ours, theirs = fork.Pipe()
        process = fork.Process(target=append_until_killed, args=(tmp_path / "digits.db", theirs))
        process.start()
        theirs.close()
        for _ in range(rng.randrange(1, 6)):
            told = ours.recv()
        process.kill()
        while ours.poll(5):
            try:
                told = ours.recv()
            except EOFError:
                break
        process.join()
        journal = open_journal(tmp_path / "digits.db", "study")
        nodes = [event.node for event in journal.read()]
        assert [node.id for node in nodes] == list(range(1, len(nodes) + 1))
        assert told <= len(nodes) <= told + 1
        assert all(journal.checkpoints.read(node.checkpoint) == str(node.id).encode() for node in nodes)


def hold(path, held):
    with open_journal(path, "study").lock():
        held.send(os.getpid())
        held.recv()


def test_the_lock_names_its_holder_and_ends_with_it(tmp_path):
    ours, theirs = fork.Pipe()
    process = fork.Process(target=hold, args=(tmp_path / "digits.db", theirs))
    process.start()
    holder = ours.recv()
    journal = open_journal(tmp_path / "digits.db", "study")
    with pytest.raises(StoreLockedError, match=f"process {holder} on"), journal.lock():
        pass
    process.kill()
    process.join()
    with journal.lock():
        pass


def open_and_ask(path, number, started, result):
    started.wait()
    try:
        journal = open_journal(path, "study")
        for turn in range(5):
            journal.request(SettingFixed(f"setting {number}", turn))
        result.put(None)
    except StoreError as error:
        result.put(str(error))


def test_processes_that_make_the_same_store_at_once_all_succeed(tmp_path):
    for round_ in range(2):
        path = tmp_path / f"{round_}.db"
        started, result = fork.Barrier(8), fork.Queue()
        processes = [fork.Process(target=open_and_ask, args=(path, number, started, result)) for number in range(8)]
        for process in processes:
            process.start()
        assert [result.get(timeout=60) for _ in processes] == [None] * 8
        for process in processes:
            process.join()
        asked = open_journal(path, "study").requests()
        assert len(asked) == 40
        for number in range(8):
            assert [request.value for request in asked if request.name == f"setting {number}"] == list(range(5))


def test_a_journal_may_be_used_from_several_threads(tmp_path):
    journal = open_journal(tmp_path / "digits.db", "study")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(journal.request, SettingFixed("lr", number)) for number in range(20)]
        for number in range(1, 11):
            journal.append([SegmentFinished(example_node(number))])
        for future in asked:
            future.result()
    assert sorted(request.value for request in journal.requests()) == list(range(20))
    assert len(journal.read()) == 10


def test_studies_are_listed_with_their_best(tmp_path):
    path = tmp_path / "digits.db"
    open_journal(path, "empty")
    journal = open_journal(path, "run")
    journal.append([SegmentFinished(example_node(1, error=0.5)), SegmentFinished(example_node(2, error=-1.5))])
    journal.append([SegmentFinished(example_node(3, error=math.inf)), StudyFinished("budget spent")])
    empty, run = list_studies(path)
    assert (empty.study, empty.segments, empty.error, empty.finished) == ("empty", 0, None, False)
    assert (run.study, run.segments, run.error, run.finished) == ("run", 3, -1.5, True)


def test_segments_can_be_read_with_sql(tmp_path):
    journal = open_journal(tmp_path / "digits.db", "study")
    journal.append([SegmentFinished(example_node(1)), SegmentFinished(example_node(2, parent=1, error=math.inf))])
    query = "SELECT node, parent, settings ->> 'lr', error, status FROM trimtab_segments ORDER BY node"
    rows = sqlite3.connect(tmp_path / "digits.db").execute(query).fetchall()
    assert rows == [(1, None, 0.1, 0.0, "finished"), (2, 1, 0.1, math.inf, "finished")]


def test_a_commit_is_forced_to_the_disk(tmp_path):
    journal = open_journal(tmp_path / "digits.db", "study")
    assert sqlite3.connect(tmp_path / "digits.db").execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with journal._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_store_is_for_its_owner_alone(tmp_path):
    journal = open_journal(tmp_path / "digits.db", "study")
    digest = journal.checkpoints.write(b"weights")
    folder = tmp_path / "digits.checkpoints" / "study"
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "digits.db", folder.parent, folder)] == [0o600, 0o700, 0o700]
    assert (folder / digest[:2] / f"{digest}.safetensors").stat().st_mode & 0o777 == 0o600


def test_a_path_a_url_and_a_relative_url_are_the_same_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    open_journal("digits.db", "study").append([StudyFinished("done")])
    for url in ("sqlite:///digits.db", f"sqlite:///{tmp_path}/digits.db", tmp_path / "digits.db"):
        journal = open_journal(url, "study", create=False)
        assert journal.read() == [StudyFinished("done")]
        assert journal.url == f"sqlite:///{tmp_path}/digits.db"


def test_a_store_opened_for_reading_is_not_written_to(tmp_path):
    journal = open_journal(tmp_path / "digits.db", "study")
    journal.append([StudyFinished("done")])
    reader = open_journal(tmp_path / "digits.db", "study", read_only=True)
    assert reader.read() == [StudyFinished("done")]
    for write in (
        lambda: reader.append([StudyFinished("again")]),
        lambda: reader.request(SettingFixed("lr", 1)),
        reader.requests,
    ):
        with pytest.raises(StoreError, match="opened for reading only"):
            write()
    with pytest.raises(StoreError, match="opened for reading only"), reader.lock():
        pass


def test_a_damaged_record_is_named(tmp_path):
    journal = open_journal(tmp_path / "digits.db", "study")
    journal.append([StudyFinished("one"), StudyFinished("two"), StudyFinished("three")])
    with sqlite3.connect(tmp_path / "digits.db") as connection:
        connection.execute("UPDATE trimtab_events SET record = substr(record, 1, 20) WHERE sequence = 2")
    with pytest.raises(StoreError, match="event 2: a record is damaged"):
        journal.read()
    with sqlite3.connect(tmp_path / "digits.db") as connection:
        connection.execute("DELETE FROM trimtab_events WHERE sequence = 2")
    with pytest.raises(StoreError, match="1 of 3 events are missing"):
        journal.read()


def test_a_writer_that_does_not_finish_in_time_is_waited_for_no_longer(tmp_path):
    journal = open_journal(tmp_path / "digits.db", "study", busy_seconds=0.05)
    other = sqlite3.connect(tmp_path / "digits.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLockedError, match="another process is writing"):
        journal.append([StudyFinished("done")])
    other.execute("ROLLBACK")
    journal.append([StudyFinished("done")])
    assert journal.read() == [StudyFinished("done")]


def unprivileged(action, path, result):
    if os.getuid() == 0:
        os.setuid(65534)
    try:
        action(path)
        result.send("no error")
    except StoreError as error:
        result.send(str(error))


def as_somebody_else(action, path):
    """Return the error of ``action(path)`` in a process that is not root, to which no file is read-only."""
    ours, theirs = fork.Pipe()
    process = fork.Process(target=unprivileged, args=(action, path, theirs))
    process.start()
    message = ours.recv()
    process.join()
    return message


@pytest.fixture
def public_folder():
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def append_to(path):
    open_journal(path, "study").append([StudyFinished("again")])


def read_only(path):
    assert open_journal(path, "study", read_only=True).read() == [StudyFinished("done")]
    assert [summary.finished for summary in list_studies(path)] == [True]


def test_a_read_only_store_says_so_and_can_be_read(public_folder):
    path = public_folder / "digits.db"
    open_journal(path, "study").append([StudyFinished("done")])
    path.chmod(0o444)
    public_folder.chmod(0o555)
    assert "digits.db: the file or its folder is read-only" in as_somebody_else(append_to, path)
    assert as_somebody_else(read_only, path) == "no error"


def test_a_read_only_folder_says_so(public_folder):
    public_folder.chmod(0o555)
    message = as_somebody_else(append_to, public_folder / "digits.db")
    assert message.endswith(f"cannot be made: the folder {public_folder} is read-only")


def fill_the_disk(path, result):
    journal = open_journal(path, "study")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = path.with_name("digits.db-wal").stat().st_size + 50_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    told = 0
    try:
        while True:
            journal.append([StudyFinished("x" * 1000)])
            told += 1
    except StoreError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        readable = len(journal.read())
        journal.append([StudyFinished("there is room again")])
        result.send((str(error), told, readable))


def test_a_disk_that_takes_no_more_loses_nothing_that_was_committed(tmp_path):
    ours, theirs = fork.Pipe()
    process = fork.Process(target=fill_the_disk, args=(tmp_path / "digits.db", theirs))
    process.start()
    message, told, readable = ours.recv()
    process.join()
    assert "what was committed is safe" in message
    assert 0 < told == readable
    assert open_journal(tmp_path / "digits.db", "study").read()[told:] == [StudyFinished("there is room again")]


def a_text_file(folder):
    (folder / "digits.db").write_text("This is not a database, it is a letter to a friend. " * 40)
    return folder / "digits.db"


def a_foreign_database(folder):
    with sqlite3.connect(folder / "digits.db") as connection:
        connection.execute("CREATE TABLE letters (text)")
    return folder / "digits.db"


def another_study(folder):
    open_journal(folder / "digits.db", "mine")
    return folder / "digits.db"


def a_newer_store(folder):
    open_journal(folder / "digits.db", "study")
    with sqlite3.connect(folder / "digits.db") as connection:
        connection.execute("UPDATE trimtab_schema SET version = 99")
    return folder / "digits.db"


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("place", "kind", "message"),
    [
        (lambda folder: folder / "digits.db", StoreError, "digits.db: there is no such store"),
        (lambda folder: folder / "no" / "digits.db", StoreError, "there is no folder .*no; make it first"),
        (lambda folder: folder, StoreError, "a folder; expected a file such as digits.db"),
        (a_text_file, StoreError, "not a database"),
        (a_foreign_database, StoreError, "not a trimtab store"),
        (another_study, StoreError, "no study 'study'; it has 'mine'"),
        (a_newer_store, StoreVersionError, "schema version 99, of a newer trimtab; this one knows versions up to 1"),
        (lambda _: "mysql://me:secret@host/db", StoreError, r"expected a file .* got 'mysql://me:\*\*\*@host/db'"),
        (lambda _: "sqlite:///:memory:", StoreError, "names no file that outlives the process"),
        (lambda _: "sqlite://", StoreError, "names no file that outlives the process"),
        (lambda _: "s3://bucket/digits.db", StoreError, "expected a file"),
        (lambda _: "postgresql://me@host/db", StoreError, "needs checkpoints=FOLDER"),
    ],
)
def test_a_store_that_cannot_be_opened_says_why(tmp_path, place, kind, message, read_only):
    with pytest.raises(kind, match=message):
        open_journal(place(tmp_path), "study", create=False, read_only=read_only)


@pytest.mark.parametrize("name", ["", "a" * 201, "two\nlines", None])
def test_a_study_needs_a_name(tmp_path, name):
    with pytest.raises(StoreError, match="study: expected a name"):
        open_journal(tmp_path / "digits.db", name)


@pytest.mark.parametrize("name", ["../../etc", "Große Studie", "a/b", ".hidden", "CON:", "x" * 200])
def test_no_name_of_a_study_leaves_the_folder_of_its_store(tmp_path, name):
    journal = open_journal(tmp_path / "digits.db", name)
    journal.checkpoints.write(b"weights")
    with journal.lock():
        pass
    assert {path.name.split(".")[0] for path in tmp_path.iterdir()} == {"digits"}
    assert len(list((tmp_path / "digits.checkpoints").iterdir())) == 1


def test_the_tables_are_portable():
    for table in schema.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=postgresql.dialect()))


@pytest.mark.skipif(find_spec("psycopg2") is not None, reason="the driver is installed")
def test_a_driver_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(MissingExtraError, match="pip install psycopg2"):
        open_journal("postgresql+psycopg2://me@localhost/db", "study", checkpoints=tmp_path)
