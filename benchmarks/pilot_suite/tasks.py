"""The tasks by name. None of their data sets may be used to train a policy; those held out, to choose or tune one either."""

from __future__ import annotations

from functools import partial

from torch import nn

from benchmarks.pilot_suite import images, nets, sequence_nets, series, tables, text
from benchmarks.pilot_suite.losses import COX, CROSS_ENTROPY, SQUARED_ERROR
from benchmarks.pilot_suite.task import Task

mlp = nets.mlp

ALL = (
    # name, kind, data, net, loss, batch size, steps a segment, segments
    Task("segments-mlp", "tabular", tables.segments, partial(mlp, 18, 48, 48, 7, dropout=0.1), CROSS_ENTROPY, 32, 20, 40),
    Task(
        "computers-mlp",
        "regression",
        tables.computers,
        partial(mlp, 12, 48, 48, 1, activation=nn.GELU, norm=nn.LayerNorm),
        SQUARED_ERROR,
        64,
        20,
        40,
    ),
    Task("mnist-mlp", "image", images.mnist, partial(mlp, 784, 64, 64, 10), CROSS_ENTROPY, 32, 25, 32),
    Task(
        "polarity-bag", "text", text.sentence_polarity, partial(sequence_nets.Bag, 3000, 24, 2, 0.4), CROSS_ENTROPY, 64, 25, 30
    ),
    Task(
        "diamonds-mlp",
        "regression",
        tables.diamonds,
        partial(mlp, 26, 64, 64, 64, 1, activation=nn.SiLU),
        SQUARED_ERROR,
        128,
        24,
        50,
    ),
    Task(
        "italy-power-lstm",
        "series",
        series.italy_power,
        partial(sequence_nets.LastState, nn.LSTM, 1, 16, 2),
        CROSS_ENTROPY,
        32,
        16,
        30,
    ),
    Task("pneumonia-cnn", "medical", images.pneumonia, nets.plain_pictures, CROSS_ENTROPY, 16, 16, 30, version=2),
    Task(
        "movielens-factors",
        "recommendation",
        tables.movielens,
        partial(nets.Factors, 944, 1683, 12),
        SQUARED_ERROR,
        256,
        40,
        30,
    ),
    Task("survival-cox", "medical", tables.survival, partial(mlp, 8, 32, 32, 1, dropout=0.1), COX, 128, 28, 25),
    Task(
        "questions-transformer",
        "text",
        text.questions,
        partial(sequence_nets.Questions, 1500, 10, 24, 6),
        CROSS_ENTROPY,
        32,
        16,
        30,
    ),
    Task("heart-convolution", "medical", series.heart, sequence_nets.heartbeats, SQUARED_ERROR, 32, 12, 60),
    Task("shuttle-mlp", "tabular", tables.shuttle, partial(mlp, 9, 48, 48, 2, activation=nn.Tanh), CROSS_ENTROPY, 128, 24, 50),
    Task("mnist-cnn", "image", images.mnist_pictures, nets.batch_normed_pictures, CROSS_ENTROPY, 24, 20, 24),
    Task("french-words", "text", text.french_words, partial(sequence_nets.Grams, 800, 4, 24, 64), CROSS_ENTROPY, 64, 25, 30),
    Task(
        "electricity-mlp",
        "tabular",
        tables.electricity,
        partial(mlp, 6, 64, 64, 2, norm=nn.BatchNorm1d),
        CROSS_ENTROPY,
        128,
        20,
        50,
    ),
    Task("leaves-cnn", "series", series.leaves, sequence_nets.outlines, CROSS_ENTROPY, 16, 16, 40),
    Task(
        "mnist-autoencoder",
        "image",
        images.mnist_reconstruction,
        partial(mlp, 784, 64, 20, 64, 784, activation=nn.GELU),
        SQUARED_ERROR,
        48,
        15,
        40,
    ),
    Task("vowels-attention", "series", series.vowels, partial(sequence_nets.Sounds, 13, 29, 16, 9), CROSS_ENTROPY, 16, 12, 40),
    Task("blood-cells-cnn", "medical", images.blood_cells, nets.ResidualPictures, CROSS_ENTROPY, 16, 15, 26),
    Task(
        "building-load-gru",
        "series",
        series.building_load,
        partial(sequence_nets.LastState, nn.GRU, 4, 16, 1),
        SQUARED_ERROR,
        32,
        16,
        30,
    ),
    Task("weather-residual", "tabular", tables.weather, partial(nets.ResidualMLP, 8, 32, 2, 2), CROSS_ENTROPY, 64, 16, 40),
    Task("bananas-mlp", "tabular", tables.bananas, partial(mlp, 2, 32, 32, 2, activation=nn.Tanh), CROSS_ENTROPY, 32, 40, 20),
    Task(
        "subjectivity-cnn",
        "text",
        text.subjectivity,
        partial(sequence_nets.WordConvolution, 3000, 16, 2),
        CROSS_ENTROPY,
        24,
        16,
        30,
    ),
    Task(
        "characters-lstm", "text", text.english_characters, partial(sequence_nets.Characters, 32, 48), CROSS_ENTROPY, 16, 16, 36
    ),
)

TASKS = {task.name: task for task in ALL}

DEVELOPMENT = (
    "segments-mlp",
    "computers-mlp",
    "mnist-mlp",
    "polarity-bag",
    "italy-power-lstm",
    "pneumonia-cnn",
    "questions-transformer",
    "heart-convolution",
)
"""Tasks by which rules and policies may be chosen. No headline is of them."""
HELD_OUT = tuple(name for name in TASKS if name not in DEVELOPMENT)
