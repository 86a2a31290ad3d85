"""The published pixel-wise head, and the two networks that use it."""

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from engine.errors import InvalidParameter
from engine.model.change import ChangeNetwork
from engine.model.config import SpectralGPTConfig
from engine.model.dense_head import (
    AdaptiveMaxPool,
    PyramidDecoder,
    down_and_across,
    resize,
    resizing_matrix,
)
from engine.model.segmentation import SegmentationNetwork


def config(**changes):
    sizes = {"bands": 9, "image_size": 32, "dim": 16, "depth": 1, "heads": 2}
    return SpectralGPTConfig(**{**sizes, **changes})


@settings(deadline=None)
@given(st.integers(1, 7), st.integers(1, 20), st.integers(1, 20))
def test_pooling_equals_torch(bins, rows, columns):
    image = torch.randn(2, 3, rows, columns)
    assert torch.equal(AdaptiveMaxPool(bins)(image), F.adaptive_max_pool2d(image, bins))


@pytest.mark.filterwarnings("ignore")
def test_pooling_exports_where_torch_does_not(tmp_path):
    """16 rows in 6 bins: the cells are uneven and overlap."""
    image = torch.randn(1, 2, 16, 16)
    path = tmp_path / "pool.onnx"
    torch.onnx.export(AdaptiveMaxPool(6), (image,), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path)
    (out,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    np.testing.assert_array_equal(out, F.adaptive_max_pool2d(image, 6).numpy())


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 40), st.integers(1, 40))
def test_resizing_by_products_equals_torch(height, width, rows, columns):
    """What a GPU does; where the size falls too: the published pooling never does that, others may."""
    image = torch.randn(2, 3, height, width)
    torch.testing.assert_close(down_and_across(image, rows, columns), resize(image, rows, columns))
    assert (resizing_matrix(height, rows).sum(1) - 1).abs().max() < 1e-6  # a mean of neighbours


@pytest.mark.parametrize("bands, spectral_patch", [(3, 3), (9, 3), (12, 3), (10, 2)])
@pytest.mark.parametrize("height, width", [(32, 32), (24, 56), (8, 16)])
def test_scores_have_the_size_of_the_image(bands, spectral_patch, height, width):
    encoder = config(bands=bands, spectral_patch=spectral_patch)
    image = torch.rand(2, bands, height, width)
    scores = SegmentationNetwork(encoder, 5, width=16).eval()(image)
    assert scores.shape == (2, 5, height, width)
    change = ChangeNetwork(encoder, width=16).eval()(image, torch.rand_like(image))
    assert change.shape == (2, 2, height, width)
    torch.testing.assert_close(change.exp().sum(1), torch.ones(2, height, width))


def test_levels_are_fused_as_if_joined_at_full_size():
    """The published order: enlarge all levels, join them, mix their channels."""
    decoder = PyramidDecoder(width=16, dropout=0.5, pooling_dropout=0.0).eval()
    levels = [torch.randn(2, 16, side, side + 1) for side in (2, 4, 8, 16)]
    joined = torch.cat([resize(level, 16, 17) for level in levels], 1)
    torch.testing.assert_close(decoder._fuse_levels(levels), decoder.fuse_all(joined))


def test_missing_groups_have_no_influence():
    torch.manual_seed(0)
    network = SegmentationNetwork(config(), 5, width=16).eval()
    image, groups = torch.rand(1, 9, 32, 32), torch.tensor([0, 2])
    other = image.clone()
    other[:, 3:6] = 9
    assert torch.equal(network(image, groups), network(other, groups))
    torch.testing.assert_close(network(image, torch.arange(3)), network(image))


def test_change_looks_at_the_signed_difference_of_the_dates():
    torch.manual_seed(0)
    network = ChangeNetwork(config(), width=16).eval()
    first, second, third = torch.rand(3, 1, 9, 32, 32)
    same = network(first, first)
    torch.testing.assert_close(same, network(second, second))
    assert not torch.allclose(same, network(first, third))
    assert not torch.allclose(network(first, third), network(third, first))


def test_head_refuses_what_it_is_not_made_for():
    with pytest.raises(InvalidParameter, match=r"patch=4.* Use patch=8 and width=32"):
        SegmentationNetwork(config(patch=4), 5, width=32)
    with pytest.raises(InvalidParameter, match=r"width=30\. Use patch=8 and width=32"):
        ChangeNetwork(config(), width=30)
