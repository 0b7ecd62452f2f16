"""What a runner and its worker say to each other: one letter and its content, over a channel that only they hold."""

from __future__ import annotations

from multiprocessing.connection import Connection

JOB = b"J"
"""To the worker: a Job as JSON."""
READY = b"R"
"""To the runner: the task is loaded."""
UNUSABLE = b"U"
"""To the runner: the task cannot be loaded, and why."""
BEAT = b"B"
"""To the runner: the task has called ``progress``."""
OUTCOME = b"O"
"""To the runner: SegmentFinished or SegmentFailed, as its JSON record."""


def send(channel: Connection, letter: bytes, content: bytes | str = b"") -> None:
    """Send one message; raise OSError if nobody is at the other end."""
    channel.send_bytes(letter + (content.encode() if isinstance(content, str) else content))


def receive(channel: Connection) -> tuple[bytes, bytes]:
    """Return the letter and the content of the next message; raise EOFError or OSError at the end of the channel."""
    message = channel.recv_bytes()
    return message[:1], message[1:]
