"""A study as its user meets it: real data, a real training, a store on disk, stopped and gone on with."""

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

import trimtab as tt
from trimtab.errors import BudgetError, DataError, SpaceError, StoreError, StoreLockedError, StudyError, TaskError
from trimtab.runners import ridge
from trimtab.runners.processes import share_of_cores
from trimtab.runners.ridge import RidgeTask
from trimtab.store import list_studies
from trimtab.store.records import SegmentFinished, StudyFinished
from trimtab.study.replay import replay

SPACE = tt.Space(
    lr=tt.Float(1e-4, 1.0, log=True),
    batch_size=tt.Int(16, 128, log=True),
    optimizer=tt.Categorical("sgd", "adam"),
    width=tt.Int(8, 32, live=False),
)


def build(settings: tt.Settings) -> nn.Module:
    return nn.Sequential(nn.Linear(64, settings["width"]), nn.ReLU(), nn.Linear(settings["width"], 10))


def digits_task(**options: object) -> tt.TorchTask:
    pixels, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels)
    given = {
        "build": build,
        "train": (x[:600], y[:600]),
        "validation": (x[600:800], y[600:800]),
        "test": (x[800:1000], y[800:1000]),
    }
    return tt.TorchTask(**{**given, **options})


def new_study(folder: Path, **options: object) -> tt.Study:
    given = {"budget": tt.Budget(segments=12), "horizon": 4, "store": f"sqlite:///{folder}/study.db", **options}
    task = given.pop("task", None) or digits_task()
    return tt.Study(task, given.pop("space", SPACE), **given)


def jobs(result: tt.Result) -> list[object]:
    return [(node.job, node.checkpoint, node.reward) for node in result.tree]


@pytest.mark.parametrize("agent", ["dqn", "q-learning", "sarsa", "random"])
def test_every_agent_spends_the_budget_and_leaves_a_model(tmp_path: Path, agent: str) -> None:
    result = new_study(tmp_path, agent=agent).run()
    assert len(result.tree) == 12
    assert result.best.error == min(node.error for node in result.tree)
    model = result.load_model()
    assert isinstance(model, nn.Module)
    assert not model.training
    assert set(result.evaluate_on_test()) >= {"loss", "accuracy", "error"}
    assert [segment.settings for segment in result.schedule.segments][-1] == result.best.settings
    assert len(result.explain().splitlines()) >= 2


def test_the_same_seed_gives_the_same_study_and_another_seed_another(tmp_path: Path) -> None:
    results = [new_study(tmp_path, name=f"{seed}{turn}", seed=seed).run() for turn, seed in enumerate((0, 0, 1))]
    assert jobs(results[0]) == jobs(results[1]) != jobs(results[2])


def test_a_finished_study_run_again_trains_nothing_and_a_larger_budget_goes_on(tmp_path: Path) -> None:
    first = new_study(tmp_path).run()
    again = new_study(tmp_path).run()
    assert jobs(first) == jobs(again)
    more = new_study(tmp_path, budget=tt.Budget(segments=16), horizon=None).run()
    assert jobs(more)[:12] == jobs(first)
    assert len(more.tree) == 16


def test_two_workers_spend_the_same_budget_and_every_path_can_be_replayed(tmp_path: Path) -> None:
    study = new_study(tmp_path, workers=2)
    result = study.run()
    assert len(result.tree) == 12
    # two workers on two cores have a thread each, and sums over threads round differently
    threads = result.threads_of(result.best.node)
    assert threads == [share_of_cores(2)] * len(result.schedule.segments)
    again = replay(study.task, result.schedule, threads=threads)
    assert again.metrics == result.best.metrics


def test_a_study_that_is_extended_goes_on_and_keeps_what_it_was_given(tmp_path: Path) -> None:
    new_study(tmp_path).run()
    new_study(tmp_path).extend(tt.Budget(segments=3))
    assert len(new_study(tmp_path).run().tree) == 15
    assert len(new_study(tmp_path).run().tree) == 15
    new_study(tmp_path).extend(tt.Budget(segments=1))
    assert len(new_study(tmp_path, budget=tt.Budget(segments=18)).run().tree) == 18
    with pytest.raises(StudyError, match="expected a Budget"):
        new_study(tmp_path).extend(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ([], "a name, a function, or a list of them"),
        (["dqn", "dqn"], "different agents, got dqn, dqn"),
        (["dqn", 3], "a name, a function"),
        (["dqn", "genius"], "expected one of 'pilot'"),
    ],
)
def test_lists_that_name_no_teams_are_refused(agent: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=words):
        new_study(tmp_path, agent=agent).run()


def test_a_study_learns_from_others_in_the_experience_and_is_added_to_it(tmp_path: Path) -> None:
    shared = tmp_path / "all.db"
    first = new_study(tmp_path, store=tmp_path / "one.db", experience=shared, budget=tt.Budget(segments=24)).run()
    second = new_study(tmp_path, store=tmp_path / "two.db", experience=shared, name="again", seed=1)
    begun = second.run()
    created = begun.events[0]
    assert created.config["experience"] == [[list_studies(shared)[0].study, len(first.events)]]
    root = next(node for node in begun.tree if node.job.parent is None)
    assert abs(math.log(root.job.settings["lr"] / first.tree.path(first.best.node)[0].job.settings["lr"])) < 1.0
    # gone on with after the experience has grown, it still has what it was begun with
    new_study(tmp_path, store=tmp_path / "three.db", experience=shared, seed=2).run()
    more = new_study(
        tmp_path, store=tmp_path / "two.db", experience=shared, name="again", seed=1, budget=tt.Budget(segments=15)
    )
    assert jobs(more.run())[:12] == jobs(begun)
    assert len(list_studies(shared)) == 3
    with pytest.raises(StudyError, match="was begun with one"):
        new_study(tmp_path, store=tmp_path / "two.db", name="again", seed=1).run()
    with pytest.raises(StudyError, match="has lost study"):
        new_study(tmp_path, store=tmp_path / "two.db", experience=tmp_path / "other.db", name="again", seed=1).run()


@pytest.mark.parametrize(
    ("experience", "words"),
    [
        ("mysql://host/team", "experience: store: expected a file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_an_experience_that_cannot_be_kept_is_refused_before_any_training(tmp_path: Path, experience: str, words: str) -> None:
    with pytest.raises(StudyError, match=words) as error:
        new_study(tmp_path, experience=experience)
    assert "secret" not in str(error.value)


def test_an_experience_that_is_no_store_is_refused_before_any_training(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a store, but a page of notes " * 50)
    with pytest.raises(StoreError, match=r"notes\.db"):
        new_study(tmp_path, experience=tmp_path / "notes.db").run()
    assert not (tmp_path / "study.checkpoints").exists()


def test_the_studies_of_one_store_can_teach_each_other(tmp_path: Path) -> None:
    store = tmp_path / "study.db"
    new_study(tmp_path, experience=store).run()
    second = new_study(tmp_path, experience=store, name="second", seed=1).run()
    assert [name for name, _ in second.events[0].config["experience"]] == ["study"]
    assert [summary.study for summary in list_studies(store)] == ["study", "second"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Yield the URL of an empty database on a PostgreSQL server of our own."""
    found = shutil.which("initdb") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    if found is None:
        pytest.skip("PostgreSQL is not installed")
    # pytest's own folders are closed to other users by every run of it that begins meanwhile
    folder = Path(tempfile.mkdtemp(prefix="trimtab-server-"))
    run_as = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    if run_as:
        # a server refuses to run as root
        os.chown(folder, 65534, 65534)

    def call(*command: str) -> None:
        subprocess.run([*run_as, *command], check=True, capture_output=True, timeout=60)

    data, bin_folder = str(folder / "data"), Path(found).parent
    call(str(bin_folder / "initdb"), "-D", data, "-U", "me", "--auth=trust")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    call(str(bin_folder / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://me@/postgres?host={folder}"
    finally:
        call(str(bin_folder / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_studies_teach_each_other_through_a_server(tmp_path: Path, server: str) -> None:
    new_study(tmp_path, experience=server).run()
    second = new_study(tmp_path, store=tmp_path / "two.db", experience=server, seed=1).run()
    [(name, events)] = second.events[0].config["experience"]
    assert name.startswith("study-")
    assert events > 12
    assert len(list_studies(server)) == 2
    again = new_study(tmp_path, store=tmp_path / "two.db", experience=server, seed=1).run()
    assert jobs(again) == jobs(second)


class Counting:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.recalled = 0

    def recall(self, events) -> None:
        self.recalled = len(events)

    def receive(self, event: object) -> None:
        self.events.append(event)

    def close(self) -> None:
        self.events.append("closed")


def test_loggers_are_told_of_every_event_and_of_what_was_before(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    new_study(tmp_path, loggers=[first]).run()
    assert sum(isinstance(event, SegmentFinished) for event in first.events) == 12
    assert isinstance(first.events[-2], StudyFinished)
    assert first.events[-1] == "closed"
    new_study(tmp_path, budget=tt.Budget(segments=14), loggers=[second]).run()
    assert second.recalled >= 12
    assert sum(isinstance(event, SegmentFinished) for event in second.events) == 2


def test_a_logger_that_fails_warns_once_and_stops_nothing(tmp_path: Path) -> None:
    class Broken(Counting):
        def receive(self, event: object) -> None:
            raise OSError("disk full")

    with pytest.warns(RuntimeWarning, match="Broken failed .*disk full") as caught:
        result = new_study(tmp_path, loggers=[Broken()]).run()
    assert len(caught) == 1
    assert len(result.tree) == 12


def test_checkpoints_that_nobody_wants_are_deleted_and_the_study_is_the_same(tmp_path: Path) -> None:
    kept = new_study(tmp_path, name="all", budget=tt.Budget(segments=40), horizon=2).run()
    study = new_study(tmp_path, name="wanted", budget=tt.Budget(segments=40), horizon=2, keep="wanted")
    lean = study.run()
    assert jobs(lean) == jobs(kept)
    there = list((tmp_path / "study.checkpoints").rglob("wanted/**/*.safetensors"))
    assert 10 <= len(there) < 40
    assert {node.checkpoint for node in lean.tree.path(lean.best.node)} <= {path.stem for path in there}
    assert lean.load_model() is not None


def test_overrides_reach_a_study_that_runs(tmp_path: Path) -> None:
    class Steering(Counting):
        def receive(self, event: object) -> None:
            super().receive(event)
            if isinstance(event, SegmentFinished) and event.node.id == 3:
                study.fix(lr=0.05)

    study = new_study(tmp_path, loggers=[Steering()])
    result = study.run()
    later = [node.job.settings["lr"] for node in result.tree if node.id > 4]
    assert set(later) == {0.05}


def test_a_fork_that_was_asked_for_is_trained_when_the_study_goes_on(tmp_path: Path) -> None:
    result = new_study(tmp_path).run()
    node = next(node.id for node in result.tree if node.job.index < 2)
    study = new_study(tmp_path, budget=tt.Budget(segments=13))
    study.fork(node, lr=0.02)
    forked = study.run()
    newest = max(forked.tree, key=lambda one: one.id)
    assert (newest.job.parent, newest.job.settings["lr"], newest.job.choice.kind) == (node, 0.02, "user")


def test_a_training_that_diverges_ends_its_run_and_not_the_study(tmp_path: Path) -> None:
    pixels, target = load_diabetes(return_X_y=True)
    x, y = torch.tensor(pixels, dtype=torch.float32), torch.tensor(target, dtype=torch.float32)[:, None]
    task = tt.TorchTask(
        build=lambda s: nn.Linear(10, 1),
        train=(x[:300], y[:300]),
        validation=(x[300:], y[300:]),
        loss="mse",
        defaults={"optimizer": "sgd"},
    )
    space = tt.Space(lr=tt.Float(1e-4, 1e6, log=True))
    result = new_study(tmp_path, task=task, space=space, start=[{"lr": 1e6}, {"lr": 1e-1}], budget=tt.Budget(segments=20)).run()
    statuses = {node.after.status for node in result.tree}
    assert statuses == {"finished", "diverged"}
    assert np.isfinite(result.best.error)


def test_a_build_that_raises_sometimes_ends_runs_and_not_the_study(tmp_path: Path) -> None:
    def fragile(settings: tt.Settings) -> nn.Module:
        if settings["width"] > 20:
            raise RuntimeError("too wide for me")
        return build(settings)

    start = [SPACE.default().replace(width=32), SPACE.default().replace(width=8)]
    result = new_study(tmp_path, task=digits_task(build=fragile), start=start, roots="random").run()
    assert result.best.settings["width"] <= 20
    assert any("too wide for me" in getattr(event, "message", "") for event in result.events)


def test_a_build_that_always_raises_is_told_with_the_users_own_error(tmp_path: Path) -> None:
    def broken(settings: tt.Settings) -> nn.Module:
        raise RuntimeError(f"no such width {settings['width']}")

    with pytest.raises(TaskError, match="no such width"):
        new_study(tmp_path, task=digits_task(build=broken)).run()


SCRIPT = """
    import sys, torch
    from torch import nn
    from sklearn.datasets import load_digits
    import trimtab as tt

    torch.set_num_threads(1)  # on a busy machine more would wait for each other

    def build(settings):
        return nn.Sequential(nn.Linear(64, settings["width"]), nn.ReLU(), nn.Linear(settings["width"], 10))

    pixels, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels)
    space = tt.Space(lr=tt.Float(1e-4, 1.0, log=True), width=tt.Int(8, 32, live=False))
    task = tt.TorchTask(build=build, train=(x[:900], y[:900]), validation=(x[900:], y[900:]), segment="20 epochs")
    study = tt.Study(task, space, budget=tt.Budget(segments=8), horizon=4, store=sys.argv[1])
    print("ready", flush=True)
    study.run()
    print("done", flush=True)
"""


def begin(tmp_path: Path) -> subprocess.Popen[str]:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, str(script), f"sqlite:///{tmp_path}/study.db"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def wait_for_segments(tmp_path: Path, count: int) -> None:
    from trimtab.store import open_journal

    pause = threading.Event()
    for _ in range(1200):
        try:
            events = open_journal(f"sqlite:///{tmp_path}/study.db", "study", create=False, read_only=True).read()
        except (StoreError, StudyError):
            events = []
        if sum(isinstance(event, SegmentFinished) for event in events) >= count:
            return
        pause.wait(0.05)
    raise AssertionError(f"no {count} segments after a minute")


def test_ctrl_c_commits_what_runs_and_the_study_goes_on_where_it_was(tmp_path: Path) -> None:
    process = begin(tmp_path)
    wait_for_segments(tmp_path, 2)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0
    calm = begin(tmp_path)
    output, errors = calm.communicate(timeout=120)
    assert output == "done\n", errors


def test_a_kill_loses_nothing_that_was_committed_and_the_weights_are_the_same_in_the_end(tmp_path: Path) -> None:
    from trimtab.store import open_journal

    def outcome(folder: Path) -> list[object]:
        events = open_journal(f"sqlite:///{folder}/study.db", "study").read()
        return [(event.node.job, event.node.checkpoint) for event in events if isinstance(event, SegmentFinished)]

    calm = tmp_path / "calm"
    calm.mkdir()
    begin(calm).communicate(timeout=120)
    process = begin(tmp_path)
    wait_for_segments(tmp_path, 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    before = outcome(tmp_path)
    begin(tmp_path).communicate(timeout=120)
    assert outcome(tmp_path)[: len(before)] == before
    assert outcome(tmp_path) == outcome(calm)


def test_one_study_cannot_be_run_by_two_at_a_time(tmp_path: Path) -> None:
    from trimtab.store import open_journal

    study = new_study(tmp_path)
    with open_journal(f"sqlite:///{tmp_path}/study.db", "study").lock(), pytest.raises(StoreLockedError, match="study"):
        study.run()


def test_a_schedule_is_the_same_after_json_and_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    schedule = new_study(tmp_path).run().schedule
    schedule.save(tmp_path / "schedule.json")
    assert tt.Schedule.load(tmp_path / "schedule.json") == schedule
    (tmp_path / "cut.json").write_text((tmp_path / "schedule.json").read_text()[:50])
    with pytest.raises(StudyError, match="not a schedule"):
        tt.Schedule.load(tmp_path / "cut.json")
    with pytest.raises(StudyError, match="no such file"):
        tt.Schedule.load(tmp_path / "nowhere.json")


def test_the_training_environment_passes_the_checkers_of_gymnasium_and_of_stable_baselines(tmp_path: Path) -> None:
    from gymnasium.utils.env_checker import check_env
    from stable_baselines3.common.env_checker import check_env as check_for_stable_baselines

    env = tt.TrainingEnv(digits_task(), SPACE, horizon=3)
    check_env(env, skip_render_check=True)
    check_for_stable_baselines(env)


def test_an_agent_of_stable_baselines_learns_on_the_training_environment() -> None:
    from stable_baselines3 import PPO

    env = gymnasium.wrappers.RecordEpisodeStatistics(tt.TrainingEnv(digits_task(), SPACE, horizon=3))
    PPO("MlpPolicy", env, n_steps=8, batch_size=8, n_epochs=1, seed=0, device="cpu").learn(16)
    assert env.episode_count >= 5


X, Y = torch.randn(40, 64), torch.randint(0, 10, (40,))


def task(**options: object) -> tt.TorchTask:
    return tt.TorchTask(**{"build": build, "train": (X, Y), "validation": (X, Y), **options})


BAD = [
    ("an empty space", lambda f: tt.Space(), SpaceError, "at least one"),
    ("bounds reversed", lambda f: tt.Float(1.0, 0.1), SpaceError, "low < high"),
    ("log with zero", lambda f: tt.Float(0.0, 1.0, log=True), SpaceError, "low > 0"),
    ("a space that is none", lambda f: new_study(f, space={"lr": 0.1}), StudyError, "space: expected a Space"),
    ("a start out of bounds", lambda f: new_study(f, start={**SPACE.default(), "lr": 7.0}), SpaceError, "lr: expected"),
    ("a start that lacks a name", lambda f: new_study(f, start={"lr": 0.1}), SpaceError, "batch_size: expected a value"),
    ("an unknown optimizer", lambda f: new_study(f, space=tt.Space(optimizer=tt.Categorical("adam", "lion"))), TaskError, "lion"),
    ("a live setting nobody applies", lambda f: new_study(f, space=tt.Space(temperature=tt.Float(0, 1))), TaskError, "temperature"),
    ("a live rate of zero examples", lambda f: new_study(f, space=tt.Space(batch_size=tt.Int(0, 8))), TaskError, "batch_size"),
    ("dropout above one", lambda f: new_study(f, space=tt.Space(dropout=tt.Float(0.0, 1.5))), TaskError, "dropout"),
    ("no live setting", lambda f: new_study(f, space=tt.Space(width=tt.Int(8, 32, live=False))).run(), StudyError, "live"),
    ("a budget of zero", lambda f: tt.Budget(segments=0), BudgetError, "segments"),
    ("no budget", lambda f: tt.Budget(), BudgetError, "at least one"),
    ("a budget that is a number", lambda f: new_study(f, budget=100), StudyError, "budget: expected a Budget"),
    ("an unknown agent", lambda f: new_study(f, agent="dqm").run(), StudyError, "agent: expected one of 'pilot', 'dqn'"),
    ("an unknown reward", lambda f: new_study(f, reward="fast"), StudyError, "reward: expected"),
    ("an unknown sampler", lambda f: new_study(f, roots="grid"), StudyError, "roots: expected"),
    ("a horizon of zero", lambda f: new_study(f, horizon=0), StudyError, "horizon"),
    ("no workers", lambda f: new_study(f, workers=0), StudyError, "workers"),
    ("inline with two workers", lambda f: new_study(f, workers=2, runner="inline"), StudyError, "runner"),
    ("an unknown rule of keeping", lambda f: new_study(f, keep="some"), StudyError, "keep"),
    ("a negative seed", lambda f: new_study(f, seed=-1), StudyError, "seed"),
    ("an unknown loss", lambda f: task(loss="crossentropy"), TaskError, "loss"),
    ("an unknown segment", lambda f: task(segment="1 day"), TaskError, "segment"),
    ("an unknown goal", lambda f: task(goal="f1"), TaskError, "f1"),
    ("an unknown reference", lambda f: task(reference="step"), TaskError, "reference"),
    ("no train data", lambda f: task(train=(X[:0], Y[:0])), DataError, "train"),
    ("unequal lengths", lambda f: task(train=(X, Y[:30])), DataError, "train"),
    ("NaN in the data", lambda f: task(validation=(X.clone().fill_(float("nan")), Y)), DataError, "validation"),
    ("infinite data", lambda f: task(train=(X / 0, Y)), DataError, "train"),
    ("labels out of range", lambda f: new_study(f, task=task(train=(X, Y + 5))).run(), (DataError, StudyError), "label"),
    ("negative labels", lambda f: new_study(f, task=task(train=(X, Y - 1))).run(), (DataError, StudyError), "label"),
    ("inputs of the wrong width", lambda f: new_study(f, task=task(train=(X[:, :9], Y))).run(), (DataError, TaskError, StudyError), "train"),
    ("a build that returns no module", lambda f: new_study(f, task=task(build=lambda s: 3)).run(), (TaskError, StudyError), "build"),
    ("a build that takes no settings", lambda f: new_study(f, task=task(build=lambda: build(SPACE.default()))).run(), (TaskError, StudyError), "build"),
    ("a build that is no function", lambda f: new_study(f, task=task(build=nn.Linear(64, 10))), TaskError, "build"),
    ("a pretrained state that does not fit", lambda f: new_study(f, task=task(pretrained={"x": X})).run(), (TaskError, StudyError), "pretrained"),
    ("a pretrained file that is not there", lambda f: task(pretrained=f / "nowhere.safetensors"), TaskError, "nowhere"),
    ("a metric that raises", lambda f: new_study(f, task=task(metrics={"m": lambda o, t: 1 / 0})).run(), (TaskError, StudyError), "metric"),
    ("a store in no folder", lambda f: new_study(f, store=f"sqlite:///{f}/no/where.db").run(), StoreError, "where"),
    ("a store that is another file", lambda f: (Path(f / "text.db").write_text("not a database " * 99), new_study(f, store=f / "text.db").run()), StoreError, "text.db"),
    ("a store URL nobody knows", lambda f: new_study(f, store="redis://here").run(), StoreError, "redis"),
    ("another space", lambda f: (new_study(f).run(), new_study(f, space=SPACE.replace(lr=tt.Float(0.1, 0.2))).run()), StudyError, "another space"),
    ("another seed", lambda f: (new_study(f).run(), new_study(f, seed=5).run()), StudyError, "another seed"),
    ("another agent", lambda f: (new_study(f).run(), new_study(f, agent="random").run()), StudyError, "another agent"),
    ("another task", lambda f: (new_study(f).run(), new_study(f, task=digits_task(loss=nn.CrossEntropyLoss(reduction="mean"), segment="5 steps")).run()), StudyError, "another task"),
    ("a fork of no node", lambda f: (new_study(f).run(), new_study(f).fork(999, lr=0.1)), StudyError, "no node 999"),
    ("a fork out of bounds", lambda f: (new_study(f).run(), new_study(f).fork(1, lr=9.0)), SpaceError, "lr"),
    ("a fork of a start-only setting", lambda f: (new_study(f).run(), new_study(f).fork(1, width=9)), StudyError, "live"),
    ("a setting fixed out of bounds", lambda f: (new_study(f).run(), new_study(f).fix(lr=9.0)), SpaceError, "lr"),
    ("a bound on a choice", lambda f: (new_study(f).run(), new_study(f).bound("optimizer", 0, 1)), StudyError, "numeric"),
    ("bounds reversed in mid-run", lambda f: (new_study(f).run(), new_study(f).bound("lr", 0.1, 0.01)), StudyError, "low < high"),
    ("a store that is none", lambda f: new_study(f, store=None), StudyError, "store: expected a file .* got None"),
    ("a result of nothing", lambda f: new_study(f).result().best, (StoreError, StudyError), "study"),
    ("a checkpoint that was changed", lambda f: spoil(f), StoreError, "checkpoint"),
]  # fmt: skip


def test_a_task_that_is_no_torch_loop_is_saved_without_code(tmp_path: Path) -> None:
    study = tt.Study(RidgeTask(), ridge.SPACE, budget=tt.Budget(segments=4), store=tmp_path / "study.db")
    study.run().save(tmp_path / "kept")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"best.safetensors", "schedule.json", "report.html"}


def spoil(folder: Path) -> None:
    result = new_study(folder).run()
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-8] + b"spoiled!")
    result.load_model()


@pytest.mark.parametrize(("make", "error", "words"), [pytest.param(*case[1:], id=case[0]) for case in BAD])
def test_bad_input_gets_one_error_that_names_it(tmp_path: Path, make, error, words: str) -> None:
    with pytest.raises(error, match=words):
        make(tmp_path)
