"""What a kill costs: the process group of a study is killed with -9 at random moments and the study is run again.

Shown are committed segments that were lost, segments that were committed twice, and studies whose weights in the end are not
bit-identical to those of an undisturbed run. With one worker the whole study must be the same; with two, every path of it.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

import trimtab as tt
from benchmarks.results import Headline, Measured, run
from examples.digits import study
from trimtab.errors import StoreError
from trimtab.store import open_journal
from trimtab.store.records import Node, SegmentFinished

SEGMENTS = 40
KILLS_A_STUDY = 5


@dataclass
class Tally:
    """What went wrong over all kills."""

    kills: int = 0
    lost: int = 0
    twice: int = 0
    different: int = 0
    studies: int = 0
    reopen_seconds: list[float] = field(default_factory=list)


def begin(store: Path, workers: int) -> subprocess.Popen[str]:
    """Start the study in a process group of its own; it says ``ready`` when it begins to train."""
    command = [sys.executable, "-m", "benchmarks.recovery", "--child", str(store), "--workers", str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def child(store: Path, workers: int) -> None:
    """Run the study, as a user's script would."""
    tuned = study(0, budget=tt.Budget(segments=SEGMENTS), horizon=8, store=f"sqlite:///{store}", workers=workers)
    print("ready", flush=True)
    tuned.run()


def nodes(store: Path) -> list[Node]:
    """Return the committed segments, in order; none of a store that was killed before its first transaction."""
    try:
        events = open_journal(f"sqlite:///{store}", "study", create=False).read()
    except StoreError:
        return []
    return [event.node for event in events if isinstance(event, SegmentFinished)]


def kill_once(store: Path, workers: int, wait: float, tally: Tally) -> bool:
    """Kill the study ``wait`` seconds after it was ready; return whether it had finished before that."""
    before = [node.id for node in nodes(store)] if store.exists() else []
    process = begin(store, workers)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        process.wait(timeout=wait)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        tally.kills += 1
    finished = process.returncode == 0
    began = time.perf_counter()
    after = [node.id for node in nodes(store)]
    tally.reopen_seconds.append(time.perf_counter() - began)
    tally.lost += len(set(before) - set(after)) + (before != after[: len(before)])
    tally.twice += len(after) - len(set(after))
    return finished


def signature(store: Path) -> list[str]:
    """Return what must be the same in the end: every segment's job, its metrics, and the digest of the weights it left."""
    return [repr((node.job, node.checkpoint, dict(node.after.metrics), node.reward)) for node in nodes(store)]


def replays_differ(store: Path) -> bool:
    """Return whether the best path, run again in this process, gives other bytes than the store has.

    With as many threads as a worker had: on some processors sums over another number of threads round otherwise.
    """
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    tuned = study(0, budget=tt.Budget(segments=SEGMENTS), horizon=8, store=f"sqlite:///{store}", workers=2)
    result = tuned.result()
    schedule = result.schedule
    task = tuned.task
    state = task.start(schedule.segments[0].settings, seed=schedule.run_seed)
    for segment in schedule.segments:
        task.advance(state, segment)
    return task.encode(state) != result.checkpoint()


def forks_equal_their_parents(store: Path) -> bool:
    """Return whether a checkpoint taken out of the store and put back is the same, bit for bit, for every fork's parent."""
    tuned = study(0, budget=tt.Budget(segments=SEGMENTS), horizon=8, store=f"sqlite:///{store}")
    checkpoints = tuned.result().journal.checkpoints
    parents = {node.job.checkpoint for node in nodes(store) if node.job.checkpoint is not None}
    return all(tuned.task.encode(tuned.task.decode(checkpoints.read(digest))) == checkpoints.read(digest) for digest in parents)


def disturbed(store: Path, workers: int, kills: int, whole: float, rng: random.Random, tally: Tally) -> None:
    """Kill one study ``kills`` times, then let it finish."""
    for _ in range(kills):
        if kill_once(store, workers, rng.uniform(0, whole / 2), tally):
            break
    while not kill_once(store, workers, 600, tally):
        pass
    tally.studies += 1
    print(
        f"{workers} worker(s), study {tally.studies}: {tally.kills} kills, {tally.lost} lost, {tally.twice} twice", flush=True
    )


def measure(arguments: argparse.Namespace) -> Measured:
    """Kill studies until the wanted number of kills is reached."""
    wanted = 10 if arguments.quick else 100
    rng = random.Random(0)
    one, two = Tally(), Tally()
    with tempfile.TemporaryDirectory() as folder:
        calm = Path(folder) / "calm.db"
        kill_once(calm, 1, 600, Tally())
        timed = nodes(calm)
        whole = sum(node.after.seconds for node in timed) * 1.5
        undisturbed = signature(calm)
        forks_equal = forks_equal_their_parents(calm)
        while one.kills < wanted:
            store = Path(folder) / f"one-{one.studies}.db"
            disturbed(store, 1, min(KILLS_A_STUDY, wanted - one.kills), whole, rng, one)
            one.different += signature(store) != undisturbed
        while two.kills < wanted // 5:
            store = Path(folder) / f"two-{two.studies}.db"
            disturbed(store, 2, min(KILLS_A_STUDY, wanted // 5 - two.kills), whole, rng, two)
            two.different += replays_differ(store)
    kills = one.kills + two.kills
    return [
        Headline("segments lost", one.lost + two.lost, seeds=kills),
        Headline("segments twice", one.twice + two.twice, seeds=kills),
        Headline("runs not bit-identical", one.different + two.different, seeds=one.studies + two.studies),
        Headline("forks not equal to their parent", float(not forks_equal)),
        Headline("reopen seconds, worst", max(one.reopen_seconds + two.reopen_seconds), seeds=kills),
    ], {"one_worker": vars(one), "two_workers": vars(two)}


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(Path(sys.argv[sys.argv.index("--child") + 1]), int(sys.argv[sys.argv.index("--workers") + 1]))
    else:
        run("recovery", measure)
