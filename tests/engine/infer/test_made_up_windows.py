from pathlib import Path

import numpy as np

from engine.infer.made_up_windows import random_windows
from engine.model_file import read_card


def test_made_up_windows_are_the_same_each_time(segmenter):
    card = read_card(Path(segmenter()))
    one, other = random_windows(card, 2), random_windows(card, 2)
    assert one["image"].shape == (2, 3, 16, 16)
    assert one["groups"].tolist() == [0]  # three bands, three a token
    assert all(np.array_equal(one[name], other[name]) for name in one)
