import numpy as np
import pytest
import torch

from engine.data.augmentation import Crop
from engine.data.patches import PatchLoader, PatchPlan, Source, cut, random_patch
from engine.errors import EmptyArea, InvalidParameter


def source(value=1.0, bands=3, height=40, width=50, holes=0.0):
    valid = np.random.default_rng(0).random((height, width)) >= holes
    image = np.full((bands, height, width), value, np.float32) * valid
    return Source(image, valid, np.full((height, width), int(value)))


def test_cut_takes_image_validity_and_label_from_the_same_place():
    rows, columns = np.mgrid[0:20, 0:30]
    code = (100 * rows + columns).astype(np.float32)
    patch = cut(Source(code[None], code != 305, code.astype(int)), Crop(2, 4, 8, 8), 8)
    assert patch.image[0, 0, 0] == 204
    assert patch.image[0, 7, 7] == 911
    assert patch.label[3, 5] == 509
    assert not patch.valid[1, 1]
    assert patch.image[0, 1, 1] == 0
    assert patch.valid.sum() == 63


def test_a_random_patch_keeps_image_and_label_together():
    rows, columns = np.mgrid[0:64, 0:64]
    label = (rows // 16) * 4 + columns // 16
    image = label.astype(np.float32)[None]
    random = np.random.default_rng(0)
    for _ in range(20):
        patch = random_patch(Source(image, np.ones((64, 64), bool), label), random, 32, (1, 1))
        inside = (patch.image[0] - patch.label).abs() < 0.01
        assert inside.float().mean() > 0.6


def test_the_loader_gives_batches_in_the_contract_of_the_networks():
    loader = PatchLoader([source(1.0), source(2.0)], PatchPlan(16, 4, 3), group_choices=[(0, 2)])
    batches = list(loader)
    assert len(batches) == len(loader) == 3
    batch = batches[0]
    assert batch["image"].shape == (4, 3, 16, 16)
    assert batch["image"].dtype == torch.float32
    assert batch["valid"].shape == (4, 1, 16, 16)
    assert batch["valid"].dtype == torch.float32
    assert batch["label"].shape == (4, 16, 16)
    assert batch["groups"].tolist() == [0, 2]
    assert torch.allclose(batch["image"][:, 0], batch["label"].float(), atol=1e-5)


def test_an_epoch_depends_on_seed_and_number_alone():
    def draw(seed, epoch):
        loader = PatchLoader([source(v) for v in (1.0, 2.0, 3.0)], PatchPlan(8, 2, 2, seed=seed))
        loader.set_epoch(epoch)
        return torch.cat([batch["image"] for batch in loader])

    assert draw(1, 4).equal(draw(1, 4))
    assert not draw(1, 4).equal(draw(1, 5))
    assert not draw(1, 4).equal(draw(2, 4))


def test_sources_are_drawn_by_the_root_of_their_areas():
    """Nine times the area is three times as often."""
    loader = PatchLoader([source(1.0), source(2.0, height=120, width=150)], PatchPlan(8, 100, 1))
    share = (next(iter(loader))["image"][:, 0, 0, 0] > 1.5).float().mean().item()
    assert share == pytest.approx(0.75, abs=0.15)


def test_empty_sources_are_left_out_and_nothing_but_empty_ones_is_refused():
    empty = Source(np.zeros((3, 20, 20), np.float32), np.zeros((20, 20), bool))
    batch = next(iter(PatchLoader([empty, source(1.0)], PatchPlan(8, 6, 1))))
    assert batch["valid"].min() == 1
    with pytest.raises(EmptyArea, match="no valid pixel"):
        PatchLoader([empty], PatchPlan(8, 6, 1))


def test_different_bands_are_refused():
    with pytest.raises(InvalidParameter, match="different numbers of bands"):
        PatchLoader([source(bands=3), source(bands=4)], PatchPlan(8, 2, 1))


def test_about_half_of_the_patches_get_another_light():
    images = next(iter(PatchLoader([source(1.0)], PatchPlan(8, 100, 1, light=0.0))))["image"]
    plain = ((images - 1).abs() < 1e-4).flatten(1).all(dim=1).float().mean().item()
    assert plain == pytest.approx(0.5, abs=0.15)
