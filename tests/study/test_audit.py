"""The audit split: read by nobody while a study runs, and right about how much of what was best was luck."""

import math
from pathlib import Path

import pytest
import torch
from scipy.stats import spearmanr

import trimtab as tt
from tests.study.test_study import SPACE, digits_task, new_study
from trimtab.errors import StudyError, TaskError, TrimtabError
from trimtab.task.data import TensorData


def audited_task(validation: slice, audit: slice) -> tt.TorchTask:
    held = digits_task().splits["test"]  # 200 examples that no training saw
    assert isinstance(held, TensorData)
    return digits_task(
        **{
            name: tuple(t[part] for t in held.tensors)
            for name, part in zip(("validation", "audit"), (validation, audit), strict=True)
        }
    )


def test_the_audit_looks_again_at_the_best_and_finds_the_luck_of_few_examples(tmp_path: Path) -> None:
    audits = {}
    for examples in (5, 100):
        task = audited_task(slice(0, examples), slice(100, 200))
        result = new_study(tmp_path, name=f"by {examples}", task=task, budget=tt.Budget(segments=60), horizon=4).run()
        audits[examples] = found = result.audit()
        again = task.evaluate(task.decode(result.checkpoint()), "audit")
        assert (found.node, found.validation, found.audit) == (result.best.node, result.best.error, result.goal.error(again))
        chosen = task.evaluate(task.decode(result.checkpoint(found.choice)), "audit")["loss"]
        share = 100 / (100 + examples)
        both = share * chosen + (1 - share) * result.tree[found.choice].after.metrics["loss"]
        assert both <= share * again["loss"] + (1 - share) * result.best.metrics["loss"]
        assert f"{found.gap:+.3f}" in str(found)
        best = sorted(result.tree, key=lambda node: node.error)[: found.candidates]
        looked = [task.evaluate(task.decode(result.checkpoint(node.id)), "audit")["loss"] for node in best]
        assert found.agreement == pytest.approx(spearmanr([node.error for node in best], looked).statistic)
    assert audits[5].gap > audits[100].gap


def test_a_study_is_the_same_whether_it_will_be_audited_or_not(tmp_path: Path) -> None:
    one = new_study(tmp_path, name="one", task=audited_task(slice(0, 90), slice(100, 200)), budget=tt.Budget(segments=6)).run()
    other = new_study(
        tmp_path, name="other", task=audited_task(slice(0, 90), slice(150, 170)), budget=tt.Budget(segments=6)
    ).run()
    assert [node.error for node in one.tree] == [node.error for node in other.tree]


def test_a_model_that_passes_a_limit_is_no_choice_however_good_it_is_on_both(tmp_path: Path) -> None:
    task = audited_task(slice(0, 90), slice(100, 200))
    given = {"limits": {"parameters": 1000}, "start": [{**SPACE.default(), "width": width} for width in (32, 8)]}
    result = new_study(tmp_path, task=task, budget=tt.Budget(segments=24), **given).run()
    found = result.audit()
    assert found.node == result.best.node
    assert result.tree[found.choice].excess == 0.0
    assert any(node.excess > 0 for node in result.tree)


def test_a_study_that_was_not_told_of_its_audit_can_be_given_one_afterwards(tmp_path: Path) -> None:
    held = {"validation": slice(0, 90), "audit": slice(100, 200)}
    told = audited_task(**held)
    validation = told.splits["validation"]
    assert isinstance(validation, TensorData)
    before = new_study(tmp_path, task=digits_task(validation=validation.tensors), budget=tt.Budget(segments=4)).run()
    assert tt.Result(before.journal, told).audit().node == before.best.node


def test_a_metric_that_cannot_be_computed_on_the_audit_split_is_named(tmp_path: Path) -> None:
    task = audited_task(slice(0, 90), slice(100, 200))
    result = new_study(tmp_path, task=task, budget=tt.Budget(segments=2)).run()
    held = task.splits["audit"]
    assert isinstance(held, TensorData)
    blank = (torch.full_like(held.tensors[0], 1e38), held.tensors[1])
    whole = audited_task(slice(0, 90), slice(100, 200))
    whole.splits.data["audit"] = TensorData(blank)
    with pytest.raises(StudyError, match="audit: loss cannot be computed on the audit split, for any of 2 models"):
        tt.Result(result.journal, whole).audit()


@pytest.mark.parametrize(
    ("audit", "words"),
    [
        (
            (torch.zeros(3, 64), torch.zeros(4, dtype=torch.long)),
            "audit: expected inputs and targets of equal length, got 3 and 4",
        ),
        ((torch.full((3, 64), math.nan), torch.zeros(3, dtype=torch.long)), r"audit\[0\]: expected finite numbers"),
        ((torch.zeros(0, 64), torch.zeros(0, dtype=torch.long)), "audit: expected at least one example"),
        (7, "audit: expected a data set or a tuple"),
    ],
)
def test_an_audit_split_that_is_none_is_refused_before_any_training(audit: object, words: str) -> None:
    with pytest.raises(TrimtabError, match=words):
        digits_task(audit=audit)


def test_with_two_models_no_agreement_is_made_up(tmp_path: Path) -> None:
    found = new_study(tmp_path, task=audited_task(slice(0, 90), slice(100, 200)), budget=tt.Budget(segments=2)).run().audit()
    assert math.isnan(found.agreement)
    assert "correlation" not in str(found)


def test_without_an_audit_split_the_error_says_how_to_give_one(tmp_path: Path) -> None:
    result = new_study(tmp_path, budget=tt.Budget(segments=2)).run()
    with pytest.raises(TaskError, match=r"audit: .*give TorchTask\(audit=\.\.\.\)"):
        result.audit()
