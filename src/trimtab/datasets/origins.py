"""The official address of each file: a folder of the data, and what stands before the rest of its path."""

from __future__ import annotations

ORIGINS = (
    ("nltk/", "nltk/nltk_data/5db857e6f7df/packages/corpora/"),
    ("multi30k/", "multi30k/dataset/a3d2e0d26b56/data/task1/raw/"),
    ("bccd/Main/", "Shenggan/BCCD_Dataset/d272fb14cdff/BCCD/ImageSets/Main/"),
    ("bccd/", "Shenggan/BCCD_Dataset/d272fb14cdff/BCCD/"),
    ("medmnist/pneumonia_balanced_subset.npz", "aksufatih/snn-medmnist/5df79ab2ac7b/pneumoniamnist.npz"),
    ("ecg/", "MIT-LCP/wfdb-python/6850ad1aa0c1/sample-data/"),
    ("streams/", "scikit-multiflow/streaming-datasets/f1eb9f068c34/"),
    ("citylearn/", "intelligent-environments-lab/CityLearn/b8bad3141f5e/data/datasets/"),
    ("virtualtaobao/", "eyounx/VirtualTaobao/ff4f1cce83c8/virtualTB/data/"),
)
"""Repositories with the commit that the files are of."""
SERVER = "https://raw.githubusercontent.com/"
PACKED = "streams/"
"""These are kept compressed, and are not so where they are from."""


def address(path: str) -> str:
    """Return the URL of the file that is kept at ``path`` below the data folder.

    >>> address("multi30k/val.en.gz")
    'https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d26b56/data/task1/raw/val.en.gz'
    >>> address("streams/elec.csv.gz")
    'https://raw.githubusercontent.com/scikit-multiflow/streaming-datasets/f1eb9f068c34/elec.csv'
    """
    folder, origin = next(pair for pair in ORIGINS if path.startswith(pair[0]))
    url = SERVER + origin + path[len(folder) :]
    return url.removesuffix(".gz") if path.startswith(PACKED) else url
