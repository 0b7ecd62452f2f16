import sqlite3

import pytest
from sqlalchemy import create_engine, text

from trimtab.errors import StoreError, StoreVersionError
from trimtab.store import open_journal
from trimtab.store.database import open_engine, reading, writing
from trimtab.store.migrations import check_version, migrate, read_version
from trimtab.store.places import parse_url
from trimtab.store.records import StudyFinished


@pytest.fixture
def engine(tmp_path):
    open_journal(tmp_path / "digits.db", "study").append([StudyFinished("done")])
    engine = open_engine(parse_url(tmp_path / "digits.db"), create=False, read_only=False, busy_seconds=1.0)
    yield engine
    engine.dispose()


def add_note(connection):
    connection.execute(text("ALTER TABLE trimtab_studies ADD COLUMN note TEXT"))


def fill_note(connection):
    connection.execute(text("UPDATE trimtab_studies SET note = name"))


def fail(connection):
    raise StoreError("this step fails")


def test_an_older_store_is_led_through_every_step_once(engine):
    for _ in range(2):
        with writing(engine, "digits.db") as connection:
            migrate(connection, "digits.db", steps=(add_note, fill_note))
    with reading(engine, "digits.db") as connection:
        assert read_version(connection) == 3
        assert connection.execute(text("SELECT note FROM trimtab_studies")).scalar() == "study"


def test_a_step_that_fails_leaves_the_store_as_it_was(engine, tmp_path):
    with pytest.raises(StoreError, match="this step fails"), writing(engine, "digits.db") as connection:
        migrate(connection, "digits.db", steps=(add_note, fail))
    with reading(engine, "digits.db") as connection:
        assert read_version(connection) == 1
        columns = [row.name for row in connection.execute(text("PRAGMA table_info(trimtab_studies)"))]
    assert "note" not in columns
    assert open_journal(tmp_path / "digits.db", "study").read() == [StudyFinished("done")]


def test_a_reader_of_an_older_store_is_told_to_open_it_for_writing():
    with pytest.raises(StoreVersionError, match="schema version 1; this trimtab needs 2: open it once for writing"):
        check_version(1, "digits.db", steps=(add_note,))


def test_a_store_that_was_made_empty_by_a_crash_is_made_anew(tmp_path):
    (tmp_path / "digits.db").touch()
    assert open_journal(tmp_path / "digits.db", "study").read() == []


def test_a_store_may_live_in_the_database_of_another_program(tmp_path):
    with sqlite3.connect(tmp_path / "shared.db") as connection:
        connection.execute("CREATE TABLE studies (name TEXT)")
    journal = open_journal(tmp_path / "shared.db", "study")
    journal.append([StudyFinished("done")])
    assert journal.read() == [StudyFinished("done")]


def test_a_new_store_has_the_newest_version():
    with create_engine("sqlite://").begin() as connection:
        migrate(connection, "memory", steps=(add_note, fill_note))
        assert read_version(connection) == 3
