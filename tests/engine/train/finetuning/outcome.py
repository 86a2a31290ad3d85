"""The land that is learned from, and what came of it: how good the model is, and its weights."""

import numpy as np
import torch
from affine import Affine

from engine import checkpoint
from engine.train.encoder_tuning import confusion
from engine.train.labelled_windows import WholeWindows
from tests.engine.train import land

KNOWN = land.class_map()
EAST = Affine(10, 0, land.LEFT + 10 * land.SIDE, 0, -10, land.TOP)


def accuracy(drawn, seed=5):
    """Of the model that was drawn last, at places between the labels of another image."""
    predictor, _ = drawn[-1]
    ground = land.ground(
        places=[(row + 6, column - 6) for row, column in land.middles()], seed=seed
    )
    matrix = confusion(predictor, WholeWindows([ground], 32, 4), 3)
    return np.trace(matrix) / matrix.sum()


def weights(path):
    return checkpoint.load(path)[0].state_dict()


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())
