import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.atlas import Atlas, AtlasLoader, change_light, shelves
from engine.data.augmentation import dihedral
from engine.data.patches import PatchPlan, Source
from engine.errors import EmptyArea

CPU = torch.device("cpu")


def coded(number, rows=40, columns=50):
    """Each pixel says which image it is of, and where it lies there."""
    row, column = np.mgrid[0:rows, 0:columns]
    image = np.stack([np.full((rows, columns), number), row, column]).astype(np.float32)
    return Source(image, np.ones((rows, columns), bool))


def laid(*sources):
    shapes = [source.shape for source in sources]
    return Atlas(shapes, 3, ((source.image, source.valid) for source in sources), CPU)


def loader(atlas, size, batch, steps, **options):
    return AtlasLoader(atlas, [(0, 1)] * len(atlas.boxes), PatchPlan(size, batch, steps, **options))


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=30))
def test_shelves_keep_rectangles_apart_and_inside(shapes):
    boxes, (rows, columns) = shelves(shapes)
    taken = np.zeros((rows, columns), int)
    for (top, left, height, width), shape in zip(boxes.tolist(), shapes):
        assert (height, width) == shape
        assert top >= 2 and left >= 2 and top + height + 2 <= rows and left + width + 2 <= columns
        taken[top - 1 : top + height + 1, left - 1 : left + width + 1] += 1
    assert taken.max() == 1  # not even with a pixel more on every side do two of them meet


@settings(deadline=None)
@given(st.integers(0, 7), st.integers(0, 20), st.integers(0, 30))
def test_a_whole_square_is_cut_unchanged_and_turned_as_dihedral_does(turn, top, left):
    source = coded(7)
    atlas = laid(coded(1, 10, 10), source)
    corner = atlas.boxes[1, :2] + torch.tensor([top, left])
    box = torch.cat([corner, torch.tensor([16, 16])])[None].float()
    image, _ = atlas.cut(box, torch.tensor([turn]), 16)
    expected = torch.from_numpy(source.image)[:, top : top + 16, left : left + 16]
    inner = (slice(None), slice(4, 12), slice(4, 12))  # away from what is near the image's edge
    assert torch.allclose(image[0][inner], dihedral(expected, turn)[inner], atol=1e-2)


def test_a_crop_is_enlarged_evenly():
    atlas = laid(coded(1))
    box = torch.cat([atlas.boxes[0, :2] + 8, torch.tensor([8, 16])])[None].float()
    image, _ = atlas.cut(box, torch.tensor([0]), 16)
    # 8 rows become 16: pixel centres lie at 8 - .5 + (place + .5) / 2.
    expected = 7.5 + (torch.arange(16) + 0.5) / 2
    assert torch.allclose(image[0, 1, :, 5], expected, atol=0.06)  # bicubic is not exact on a slope
    assert torch.allclose(image[0, 2, 5], 8.0 + torch.arange(16), atol=1e-2)


def test_what_is_mixed_with_no_data_is_not_valid():
    source = coded(1)
    source.valid[20, 25] = False
    atlas = laid(source)
    box = torch.cat([atlas.boxes[0, :2], torch.tensor([40, 40])])[None].float()
    image, valid = atlas.cut(box, torch.tensor([0]), 40)
    assert valid[0, 0, 18:23, 23:28].sum() == 0  # two pixels around the hole
    assert valid[0, 0, :2].sum() == 0  # and two at the image's edge
    assert valid[0, 0, 2:18, 2:].min() == 1
    assert image[valid.expand_as(image) == 0].abs().max() == 0


def test_crops_stay_in_their_image():
    atlas = laid(*(coded(number, 20 + number, 70 - number) for number in range(1, 9)))
    batch = next(iter(loader(atlas, 16, 200, 1, seed=3)))
    inside = batch["valid"][:, 0] > 0
    for image, mask in zip(batch["image"], inside):
        number = image[0][mask]
        if len(number):
            assert torch.allclose(number, number[:1].expand_as(number), atol=1e-3)


def test_an_epoch_depends_on_seed_and_number_alone():
    atlas = laid(coded(1), coded(2))

    def draw(seed, epoch):
        batches = loader(atlas, 8, 4, 2, light=0.02, seed=seed)
        batches.set_epoch(epoch)
        return torch.cat([batch["image"] for batch in batches])

    assert draw(1, 4).equal(draw(1, 4))
    assert not draw(1, 4).equal(draw(1, 5))
    assert not draw(1, 4).equal(draw(2, 4))


def test_large_images_are_drawn_more_often_by_the_root_of_their_area():
    atlas = laid(coded(1, 20, 20), coded(2, 60, 60))
    image = next(iter(loader(atlas, 8, 1000, 1)))["image"]
    share = (image.amax((2, 3))[:, 0] > 1.5).float().mean().item()
    assert share == pytest.approx(0.75, abs=0.05)  # 60 to 20


def test_the_light_changes_by_what_it_says():
    image = torch.ones(4000, 3, 2, 2)
    changed = change_light(image, 0.02, torch.Generator().manual_seed(0))
    assert (changed == image).all(3).all(2).all(1).float().mean().item() == pytest.approx(
        0.5, abs=0.03
    )
    other = changed[(changed != image).any(3).any(2).any(1)]
    assert (other.amax((2, 3)) == other.amin((2, 3))).all()  # a band changes as a whole
    # All bands by .5 to 1.5 alike; each by .1 of that, and a shift of .02.
    assert other.mean(1).mean().item() == pytest.approx(1, abs=0.03)
    assert other.mean(1).std().item() == pytest.approx((1 / 12 + 0.1**2 / 3) ** 0.5, abs=0.02)


def test_half_empty_images_give_full_patches_and_empty_ones_none():
    half, empty = coded(1), coded(2)
    half.valid[:, :25] = False
    empty.valid[:] = False
    batch = next(iter(loader(laid(half, empty), 8, 300, 1, least_valid=0.9)))
    share = batch["valid"].mean((1, 2, 3))
    # One draw in about three is good; of four, about .8 of the patches are.
    assert 0.65 < (share >= 0.85).float().mean() < 0.95
    number = batch["image"][:, 0][batch["valid"][:, 0] > 0]
    assert torch.allclose(number, torch.ones_like(number), atol=1e-3)


def test_the_valid_share_counts_pixels():
    source = coded(1)
    source.valid[10, 10] = False  # makes 5 x 5 pixels invalid
    atlas = laid(source)
    corner = atlas.boxes[0, :2]
    boxes = torch.stack([torch.cat([corner + at, torch.tensor([10, 10])]) for at in (5, 20)])
    assert atlas.valid_share(boxes).tolist() == pytest.approx([0.75, 1.0])


def test_a_batch_is_drawn_from_images_with_all_of_its_groups():
    atlas = laid(coded(1), coded(2))
    batches = AtlasLoader(atlas, [(0, 1), (0,)], PatchPlan(8, 50, 40, fewer_groups=0.5))
    assert len(batches) == 40
    seen = set()
    for batch in batches:
        groups = tuple(batch["groups"].tolist())
        images = set(batch["image"].amax((2, 3))[:, 0].round().int().tolist())
        assert images == ({1, 2} if groups == (0,) else {1})
        seen.add(groups)
    assert seen == {(0, 1), (0,), (1,)}


def test_nothing_but_empty_images_is_refused():
    empty = Source(np.zeros((3, 9, 9), np.float32), np.zeros((9, 9), bool))
    with pytest.raises(EmptyArea, match="no valid pixel"):
        laid(empty)
