"""What each live setting does to a training that goes on."""

import math

import pytest
import torch
from sklearn.metrics import f1_score
from torch import nn
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from trimtab.space import Bool, Categorical, Float, Int, Settings, Space
from trimtab.task import Goal, Segment, TorchTask


def build_linear(settings):
    return nn.Linear(64, 10)


def weights(state):
    return {name: value.clone() for name, value in state.model.state_dict().items()}


def same(one, other):
    return all(one[name].equal(other[name]) for name in one)


def run(task, *settings, seed=0, horizon=None):
    """Return the state and the measurements of a run under ``settings``, one segment each."""
    state, measurements = task.start(settings[0], seed=seed), []
    for index, of_segment in enumerate(settings):
        segment = Segment(of_segment, seed=100 + index, index=index, horizon=horizon or len(settings))
        measurements.append(task.advance(state, segment))
    return state, measurements


def test_a_run_is_the_plain_pytorch_loop(digits):
    train, validation, _ = digits
    task = TorchTask(build=build_linear, train=train, validation=validation)
    settings = Settings(lr=0.01, batch_size=64, optimizer="adamw", weight_decay=0.1)
    state, measurements = run(task, settings, settings)

    start = task.start(settings, seed=0)
    model = start.model
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / 14)))
    from trimtab.task.batches import permutation

    for epoch in range(2):
        for part in permutation(400, 0, epoch).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(train[0][part]), train[1][part]).backward()
            optimizer.step()
            schedule.step()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(state.model.state_dict()[name], value)
    with torch.no_grad():
        output = model(validation[0])
    assert measurements[-1].metrics["loss"] == pytest.approx(
        float(nn.functional.cross_entropy(output, validation[1])), rel=1e-5
    )
    assert measurements[-1].metrics["error"] == pytest.approx(float((output.argmax(1) != validation[1]).float().mean()))
    assert (measurements[-1].steps, measurements[-1].examples, measurements[-1].epochs) == (7, 400, 1.0)


def test_the_rate_is_settings_times_reference_at_every_step(digits):
    rates = []

    class Watched(nn.Linear):
        def forward(self, inputs):
            if self.training:
                rates.append(state.optimizer.param_groups[0]["lr"])
            return super().forward(inputs)

    task = TorchTask(build=lambda settings: Watched(64, 10), train=digits[0], validation=digits[1], segment="5 steps")
    state = task.start(Settings(lr=0.1), seed=0)
    for index in range(4):
        task.advance(state, Segment(Settings(lr=0.1 * (index + 1)), seed=index, index=index, horizon=4))
    expected = [0.1 * (step // 5 + 1) * 0.5 * (1 + math.cos(math.pi * step / 20)) for step in range(20)]
    assert rates == pytest.approx(expected)


def test_every_example_is_seen_once_an_epoch_whatever_the_segments(digits):
    seen = []

    def step(model, batch):
        seen.append(batch[1])
        return model(batch[0]).square().mean()

    numbered = (digits[0][0], torch.arange(400))
    task = TorchTask(
        build=build_linear, train=numbered, validation=(digits[1][0][:1], torch.zeros(1)), step=step, segment="0.3 epochs"
    )
    state = task.start(Settings(), seed=5)
    for index, size in enumerate((32, 64, 10, 100, 64)):
        task.advance(state, Segment(Settings(batch_size=size), seed=index, index=index, horizon=5))
    order = torch.cat([labels for labels in seen if len(labels) > 1])
    assert sorted(order[:400].tolist()) == list(range(400))
    assert len(set(order[400:].tolist())) == 200


def test_forks_of_one_checkpoint_see_the_same_data_and_differ_by_their_settings(digits):
    seen = []
    task = TorchTask(
        build=build_linear,
        train=digits[0],
        validation=digits[1],
        augment=lambda inputs, strength, generator: seen.append(inputs) or inputs,
    )
    state, _ = run(task, Settings(lr=0.01), horizon=2)
    checkpoint = task.encode(state)
    seen.clear()
    ends = []
    for rate, seed in ((0.01, 1), (0.1, 2)):
        fork = task.decode(checkpoint)
        assert same(weights(fork), weights(state))
        task.advance(fork, Segment(Settings(lr=rate), seed=seed, index=1, horizon=2))
        ends.append(weights(fork))
    assert all(one.equal(other) for one, other in zip(seen[:7], seen[7:], strict=True))
    assert not same(*ends)


def test_dropout_reaches_every_module_that_drops(digits):
    class Attentive(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, dropout=0.3, batch_first=True)
            self.recurrent = nn.GRU(8, 8, num_layers=2, dropout=0.3, batch_first=True)
            self.drop, self.head = nn.Dropout(0.3), nn.Linear(64, 10)

        def forward(self, inputs):
            inputs = inputs.reshape(-1, 8, 8)
            inputs = self.recurrent(self.attention(inputs, inputs, inputs)[0])[0]
            return self.head(self.drop(inputs).flatten(1))

    task = TorchTask(build=lambda settings: Attentive(), train=digits[0], validation=digits[1], segment="2 steps")
    state, _ = run(task, Settings(dropout=0.5))
    model = state.model
    assert (model.attention.dropout, model.recurrent.dropout, model.drop.p) == (0.5, 0.5, 0.5)
    run_again = task.decode(task.encode(state)).model
    assert (run_again.attention.dropout, run_again.recurrent.dropout, run_again.drop.p) == (0.5, 0.5, 0.5)


def test_small_parts_of_a_batch_give_the_whole_batchs_gradient(digits):
    ends = []
    for micro_batch in (None, 7):
        task = TorchTask(build=build_linear, train=digits[0], validation=digits[1], micro_batch=micro_batch)
        state, measurements = run(task, Settings(lr=0.1, optimizer="sgd", batch_size=50))
        ends.append((weights(state), measurements[0].train_loss))
    for name, value in ends[0][0].items():
        torch.testing.assert_close(ends[1][0][name], value)
    assert ends[1][1] == pytest.approx(ends[0][1])


def test_where_memory_is_short_the_batch_is_trained_in_parts(digits):
    sizes = []

    class Hungry(nn.Linear):
        def forward(self, inputs):
            if self.training and len(inputs) > 20:
                raise torch.OutOfMemoryError("CUDA out of memory")
            if self.training:
                sizes.append(len(inputs))
            return super().forward(inputs)

    ends = []
    for layer in (Hungry, nn.Linear):
        task = TorchTask(build=lambda settings, layer=layer: layer(64, 10), train=digits[0], validation=digits[1])
        ends.append(weights(run(task, Settings(lr=0.1, optimizer="sgd", batch_size=64))[0]))
    assert max(sizes) == 16
    assert sum(sizes) == 400
    for name, value in ends[1].items():
        torch.testing.assert_close(ends[0][name], value)


def test_the_gradient_is_clipped_to_its_largest_norm(digits):
    task = TorchTask(build=build_linear, train=digits[0], validation=digits[1], segment="1 step", reference="constant")
    settings = Settings(lr=1.0, optimizer="sgd", gradient_clip=0.01)
    _, (measurement,) = run(task, settings)
    assert measurement.telemetry.update_norm == pytest.approx(0.01, rel=1e-3)
    assert measurement.telemetry.gradient_norms[0] > 0.1


def test_labels_are_smoothed_in_training_only(digits):
    task = TorchTask(build=build_linear, train=digits[0], validation=digits[1], segment="1 step")
    plain, smooth = (run(task, Settings(lr=0.0, label_smoothing=amount))[1][0] for amount in (0.0, 0.5))
    assert plain.metrics == smooth.metrics
    assert plain.train_loss != smooth.train_loss


def test_augmentation_gets_its_strength_and_a_seeded_generator(digits):
    strengths = []

    def augment(inputs, strength, generator):
        strengths.append(strength)
        return inputs + strength * torch.randn(inputs.shape, generator=generator)

    task = TorchTask(build=build_linear, train=digits[0], validation=digits[1], augment=augment, segment="2 steps")
    first, _ = run(task, Settings(augmentation=0.5))
    second, _ = run(task, Settings(augmentation=0.5))
    assert same(weights(first), weights(second))
    assert set(strengths) == {0.5}


def test_a_setter_reaches_the_model_and_groups_keep_their_rates(digits):
    def freeze(model, value):
        for parameter in model[0].parameters():
            parameter.requires_grad_(not value)

    def groups(model):
        return [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr_multiplier": 0.0}]

    def build(settings):
        return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))

    task = TorchTask(build=build, train=digits[0], validation=digits[1], setters={"freeze": freeze}, param_groups=groups)
    task.check(Space(lr=Float(1e-4, 1.0, log=True), freeze=Bool()))
    state = task.start(Settings(lr=0.1, freeze=True), seed=0)
    before = weights(state)
    task.advance(state, Segment(Settings(lr=0.1, freeze=True), seed=0, index=0, horizon=2))
    assert same(before, weights(state))
    task.advance(state, Segment(Settings(lr=0.1, freeze=False), seed=0, index=1, horizon=2))
    after = weights(state)
    assert not before["0.weight"].equal(after["0.weight"])
    assert before["2.weight"].equal(after["2.weight"])


def test_a_setting_without_effect_keeps_its_default(digits):
    task = TorchTask(build=build_linear, train=digits[0], validation=digits[1], defaults={"momentum": 0.25})
    space = Space(optimizer=Categorical("sgd", "rmsprop"), momentum=Float(0.0, 0.99, when={"optimizer": "sgd"}))
    task.check(space)
    assert task.effective(Settings(optimizer="sgd", momentum=0.9))["momentum"] == 0.9
    assert task.effective(Settings(optimizer="rmsprop", momentum=0.9))["momentum"] == 0.25


def test_learning_rate_is_another_name_of_lr(digits):
    task = TorchTask(build=build_linear, train=digits[0], validation=digits[1])
    task.check(Space(learning_rate=Float(1e-4, 1.0, log=True)))
    one, other = (run(task, settings)[0] for settings in (Settings(lr=0.3), Settings(learning_rate=0.3)))
    assert same(weights(one), weights(other))


def test_a_run_starts_from_pretrained_weights(digits, tmp_path):
    from safetensors.torch import save_file

    given = {"weight": torch.full((10, 64), 0.5), "bias": torch.zeros(10)}
    save_file(given, tmp_path / "start.safetensors")
    torch.save(given, tmp_path / "start.pt")
    for pretrained in (given, tmp_path / "start.safetensors", str(tmp_path / "start.pt")):
        task = TorchTask(build=build_linear, train=digits[0], validation=digits[1], pretrained=pretrained)
        assert same(given, weights(task.start(Settings(), seed=1)))


def test_a_run_starts_from_what_a_study_left_and_is_then_another_task(digits, tmp_path):
    first = TorchTask(build=build_linear, train=digits[0], validation=digits[1])
    state = run(first, Settings(lr=0.01))[0]
    (tmp_path / "best.safetensors").write_bytes(first.encode(state))
    second = TorchTask(build=build_linear, train=digits[0], validation=digits[1], pretrained=tmp_path / "best.safetensors")
    assert same(weights(state), weights(second.start(Settings(), seed=5)))
    assert first.fingerprint() != second.fingerprint()


def test_tensors_datasets_subsets_and_arrays_are_one_thing(digits):
    inputs, labels = digits[0]
    forms = [
        (inputs, labels),
        (inputs.numpy().astype("float64"), labels.numpy().astype("int32")),
        TensorDataset(inputs, labels),
        Subset(TensorDataset(inputs.repeat(2, 1), labels.repeat(2)), range(400)),
    ]
    ends = [weights(run(TorchTask(build=build_linear, train=form, validation=digits[1]), Settings())[0]) for form in forms]
    assert all(same(ends[0], end) for end in ends)


def test_several_inputs_are_given_to_the_model_in_order(digits):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 10)

        def forward(self, left, right):
            return self.layer(torch.cat([left, right], 1))

    (inputs, labels), _, _ = digits
    train = TensorDataset(inputs[:, :32], inputs[:, 32:], labels)
    one = run(TorchTask(build=lambda settings: Two(), train=train, validation=train), Settings())[1]
    other = run(TorchTask(build=build_linear, train=(inputs, labels), validation=(inputs, labels)), Settings())[1]
    assert one[0].metrics == pytest.approx(other[0].metrics)


def test_items_of_ones_own_form_are_trained_by_ones_own_step(digits):
    class Records(Dataset):
        def __len__(self):
            return 60

        def __getitem__(self, index):
            return {"pixels": digits[0][0][index], "label": digits[0][1][index]}

    def step(model, batch):
        return nn.functional.cross_entropy(model(batch["pixels"]), batch["label"])

    task = TorchTask(build=build_linear, train=Records(), validation=Records(), step=step, micro_batch=8)
    _, measurements = run(task, Settings(lr=0.01), Settings(lr=0.01))
    assert list(measurements[0].metrics) == ["loss"]
    assert measurements[1].metrics["loss"] < measurements[0].metrics["loss"]


def test_metrics_are_averaged_over_examples_and_one_is_the_goal(digits):
    metrics = {
        "confidence": lambda output, target: output.softmax(1).amax(1),
        "number": lambda output, target: float(len(target)),
    }
    goal = Goal("confidence", minimise=False, scale="linear")
    task = TorchTask(
        build=build_linear, train=digits[0], validation=digits[1], metrics=metrics, goal=goal, evaluation_batch=200
    )
    state, (measurement,) = run(task, Settings())
    with torch.no_grad():
        confidence = float(state.model(digits[1][0]).softmax(1).amax(1).mean())
    assert measurement.metrics["confidence"] == pytest.approx(confidence, rel=1e-5)
    assert measurement.metrics["number"] == pytest.approx((200 * 200 + 100 * 100) / 300)
    assert {"loss", "accuracy", "error"} < set(measurement.metrics)


def test_scores_are_of_the_whole_split_and_one_may_be_the_goal(digits):
    def macro_f1(outputs, targets):
        return f1_score(targets, outputs.argmax(1), average="macro")

    goal = Goal("f1", minimise=False, bound=1.0)
    task = TorchTask(
        build=build_linear, train=digits[0], validation=digits[1], scores={"f1": macro_f1}, goal=goal, evaluation_batch=70
    )
    state, (measurement,) = run(task, Settings())
    with torch.no_grad():
        predicted = state.model(digits[1][0]).argmax(1)
    assert measurement.metrics["f1"] == pytest.approx(f1_score(digits[1][1], predicted, average="macro"))
    assert measurement.metrics["f1"] != pytest.approx(measurement.metrics["accuracy"], abs=1e-6)


@pytest.mark.parametrize("loss", ["mse", "l1", "huber", nn.MSELoss()])
def test_regression_is_measured_on_its_own_scale(diabetes, loss):
    train, validation = diabetes

    def build(settings):
        return nn.Sequential(nn.Linear(10, 1), nn.Flatten(0)) if callable(loss) else nn.Linear(10, 1)

    task = TorchTask(build=build, train=train, validation=validation, loss=loss, goal="loss")
    settings = Settings(lr=0.03, batch_size=32)
    state, measurements = run(task, *[settings] * 5)
    with torch.no_grad():
        error = state.model(torch.tensor(validation[0], dtype=torch.float32)).reshape(-1) - torch.tensor(validation[1])
    assert measurements[-1].metrics["rmse"] == pytest.approx(float(error.square().mean().sqrt()), rel=1e-4)
    assert measurements[-1].metrics["rmse"] < 0.8
    assert measurements[-1].metrics["loss"] < 0.7 * task.measure(task.start(settings, seed=0)).metrics["loss"]


def test_two_classes_can_be_told_apart_by_one_logit(digits):
    def even(part):
        return part[0], part[1] % 2

    task = TorchTask(
        build=lambda settings: nn.Linear(64, 1),
        train=even(digits[0]),
        validation=even(digits[1]),
        loss="binary_cross_entropy",
        goal="accuracy",
    )
    _, measurements = run(task, *[Settings(lr=0.03)] * 4)
    assert measurements[-1].metrics["accuracy"] > 0.8
    assert measurements[-1].metrics["accuracy"] + measurements[-1].metrics["error"] == pytest.approx(1.0)


def test_log_likelihoods_train_as_logits_do(digits):
    ends = []
    for loss, last in (("cross_entropy", nn.Identity()), ("nll", nn.LogSoftmax(1))):
        task = TorchTask(
            build=lambda settings, last=last: nn.Sequential(nn.Linear(64, 10), last),
            train=digits[0],
            validation=digits[1],
            loss=loss,
        )
        ends.append(run(task, Settings(lr=0.01, label_smoothing=0.2))[1][0])
    assert ends[0].train_loss == pytest.approx(ends[1].train_loss, rel=1e-4)
    assert ends[0].metrics == pytest.approx(ends[1].metrics, rel=1e-4)


def test_telemetry_says_how_far_and_whither_the_weights_went(digits):
    task = TorchTask(build=build_linear, train=digits[0], validation=digits[1])
    state = task.start(Settings(lr=0.01), seed=0)
    points = [torch.cat([value.flatten() for value in weights(state).values()])]
    found = []
    for index in range(2):
        found.append(task.advance(state, Segment(Settings(lr=0.01), seed=index, index=index, horizon=4)).telemetry)
        points.append(torch.cat([value.flatten() for value in weights(state).values()]))
    first, second = points[1] - points[0], points[2] - points[1]
    assert math.isnan(found[0].cosine)
    assert found[1].cosine == pytest.approx(float(torch.cosine_similarity(first, second, dim=0)), rel=1e-4)
    assert found[1].update_norm == pytest.approx(float(second.norm()), rel=1e-4)
    assert found[1].weight_norm == pytest.approx(float(points[2].norm()), rel=1e-4)
    assert len(found[0].losses) == len(found[0].gradient_norms) == 7


def test_the_callers_random_state_is_left_alone(digits):
    import random

    import numpy as np

    task = TorchTask(build=build_linear, train=digits[0], validation=digits[1])

    def drawn():
        return torch.rand(1).item(), np.random.random(), random.random()  # noqa: NPY002

    torch.manual_seed(0), np.random.seed(0), random.seed(0)  # noqa: NPY002
    expected = drawn()
    torch.manual_seed(0), np.random.seed(0), random.seed(0)  # noqa: NPY002
    run(task, Settings())
    assert drawn() == expected


def test_a_model_can_be_taken_out_of_a_checkpoint(digits):
    task = TorchTask(build=build_linear, train=digits[0], validation=digits[1], test=digits[2])
    state, _ = run(task, Settings())
    model = task.load_model(task.encode(state))
    assert not model.training
    with torch.no_grad():
        accuracy = float((model(digits[2][0]).argmax(1) == digits[2][1]).float().mean())
    assert task.evaluate(state, "test")["accuracy"] == pytest.approx(accuracy)


def test_lazy_layers_take_their_shape_from_the_data(digits):
    task = TorchTask(build=lambda settings: nn.LazyLinear(10), train=digits[0], validation=digits[1])
    state, _ = run(task, Settings(lr=0.01))
    assert same(weights(task.decode(task.encode(state))), weights(state))


def test_workers_of_a_loader_give_what_no_workers_give(digits):
    class Items(Dataset):
        def __len__(self):
            return 100

        def __getitem__(self, index):
            return digits[0][0][index], digits[0][1][index]

    ends = [
        weights(run(TorchTask(build=build_linear, train=Items(), validation=digits[1], workers=n), Settings())[0])
        for n in (0, 1)
    ]
    assert same(*ends)


def test_the_start_settings_of_a_space_reach_build(digits):
    task = TorchTask(
        build=lambda settings: nn.Sequential(nn.Linear(64, settings["width"]), nn.Linear(settings["width"], 10)),
        train=digits[0],
        validation=digits[1],
    )
    space = Space(lr=Float(1e-4, 1.0, log=True), width=Int(8, 64, log=True, live=False))
    task.check(space)
    state = task.start(space.default().replace(width=12), seed=0)
    assert task.decode(task.encode(state)).model[0].out_features == 12


def test_a_stream_that_knows_its_length_is_still_a_stream(digits):
    class Stream(IterableDataset):
        def __len__(self):
            return 400

        def __iter__(self):
            return iter(zip(*digits[0], strict=True))

    task = TorchTask(build=build_linear, train=Stream(), validation=digits[1], segment="0.5 epochs")
    state, measurements = run(task, *[Settings(lr=0.01)] * 3)
    assert (state.epoch, state.offset) == (1, 200)
    assert [measurement.epochs for measurement in measurements] == [0.5] * 3
