"""Tokens kept on disk: the same as computed, found again, bounded, and nothing else is believed."""

import dataclasses
import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.train import kept_tokens, pixel_features
from engine.train.kept_tokens import KeptTokens, kept_folder, open_kept, remembering
from engine.train.labelled_ground import only
from engine.train.light import REFLECTANCE
from engine.train.pixel_features import extract
from tests.engine.train import land

SETTINGS = {"copies": 2, "light": REFLECTANCE, "seed": 0}
MB = 2**20


def kept_in(folder, most=64 * MB):
    return KeptTokens(folder, most)


def image(seed=0, bands=9):
    return torch.rand(1, bands, 32, 32, generator=torch.Generator().manual_seed(seed))


def tokens(encoder, given, kept, groups=None):
    with torch.no_grad(), remembering(encoder, kept):
        return encoder.token_map(given, groups)


@pytest.fixture
def encoder():
    return land.predictor().network.encoder


def test_a_run_gives_the_same_with_and_without_what_is_kept(tmp_path):
    plain = extract(land.predictor(), [land.ground()], **SETTINGS)
    kept = [kept_in(tmp_path) for _ in range(2)]
    first, second = (extract(land.predictor(), [land.ground()], **SETTINGS, kept=k) for k in kept)
    for found in (first, second):
        assert np.array_equal(found.features, plain.features)
        assert np.array_equal(found.row, plain.row)
    assert kept[0].found == 0 and kept[0].made == len(list(tmp_path.iterdir())) > 20
    assert kept[1].found == kept[0].made and kept[1].made == 0


def test_more_labels_need_only_the_windows_that_are_new(tmp_path):
    """The second run has the first one's labels and one more, in a window above theirs."""
    some, more = land.ground(places=[(60, 12), (60, 36), (60, 60)]), land.ground()
    more = dataclasses.replace(more, pixels=only(more.pixels, more.pixels.row < 100))
    kept = kept_in(tmp_path)
    extract(land.predictor(), [some], **SETTINGS, kept=kept)
    again = kept_in(tmp_path)
    found = extract(land.predictor(), [more], **SETTINGS, kept=again)
    assert again.found == kept.made > 0
    assert again.made == 3 * len(list(more.windows(32))) - kept.made > 0
    assert np.array_equal(found.features, extract(land.predictor(), [more], **SETTINGS).features)


def test_what_a_run_sees_twice_counts_once_and_was_not_there_before(tmp_path, encoder):
    kept, later = kept_in(tmp_path), kept_in(tmp_path)
    for of_run, counted in ((kept, (0, 1)), (later, (1, 0))):
        for _ in range(2):
            tokens(encoder, image(), of_run)
        assert (of_run.found, of_run.made) == counted


def test_no_encoder_is_run_where_all_is_kept(tmp_path, encoder, monkeypatch):
    expected = tokens(encoder, image(), kept_in(tmp_path))
    monkeypatch.setattr(encoder, "encode", None)
    assert torch.equal(tokens(encoder, image(), kept_in(tmp_path)), expected)


@pytest.mark.parametrize("what", ["image", "groups", "weights", "threads"])
def test_whatever_tokens_depend_on_makes_others(tmp_path, encoder, what, monkeypatch):
    kept = kept_in(tmp_path)
    tokens(encoder, image(), kept)
    given, groups = image(), None
    if what == "image":
        given[0, 4, 3, 3] += 1e-6
    elif what == "groups":
        groups = torch.tensor([0, 2])
    elif what == "weights":
        with torch.no_grad():
            encoder.norm.bias[0] += 1e-6
    else:
        monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    with torch.no_grad():
        expected = encoder.token_map(given, groups)
    assert torch.equal(tokens(encoder, given, kept, groups), expected)
    assert (kept.found, kept.made) == (0, 2)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],
        lambda content: b"",
        lambda content: b"<html>not tokens</html>",
    ],
    ids=["cut", "longer", "a bit", "empty", "foreign"],
)
def test_damaged_and_foreign_files_are_computed_again(tmp_path, encoder, damage):
    expected = tokens(encoder, image(), kept_in(tmp_path))
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    kept = kept_in(tmp_path)
    assert torch.equal(tokens(encoder, image(), kept), expected)
    assert (kept.found, kept.made) == (0, 1)
    assert file.read_bytes() == whole


def test_what_was_not_used_for_longest_goes_and_other_files_stay(tmp_path, encoder):
    size = 20 + 4 * 16 * 16  # the seal, and 4 x 4 tokens of 16 values
    for number in range(3):
        tokens(encoder, image(number), kept_in(tmp_path))
    for age, file in enumerate(sorted(tmp_path.iterdir(), key=lambda f: f.stat().st_mtime_ns)):
        assert file.stat().st_size == size
        os.utime(file, (1000 + age, 1000 + age))
    foreign = tmp_path / "notes.txt"
    foreign.write_text("x" * 10 * size)
    os.utime(foreign, (1, 1))
    tokens(encoder, image(0), kept_in(tmp_path))  # the oldest is used
    tokens(encoder, image(3), kept_in(tmp_path, 3 * size))
    assert foreign.exists() and len(list(tmp_path.iterdir())) == 4
    kept = kept_in(tmp_path)
    for number, found in ((0, 1), (2, 2), (3, 3), (1, 3)):
        tokens(encoder, image(number), kept)
        assert kept.found == found


def test_what_a_killed_process_had_begun_to_write_goes(tmp_path, encoder):
    dead, alive = (tmp_path / f"{letter * 40}.{4711}-{17}" for letter in "ab")
    foreign = tmp_path / "notes.txt"
    for file in (dead, alive, foreign):
        file.write_bytes(b"x")
    for file in (dead, foreign):
        os.utime(file, (1, 1))
    tokens(encoder, image(), kept_in(tmp_path))
    assert not dead.exists()
    assert alive.exists() and foreign.exists()


def test_a_run_larger_than_the_bound_keeps_its_first_part(tmp_path, encoder):
    size = 20 + 4 * 16 * 16
    for found in (0, 2):
        kept = kept_in(tmp_path, 2 * size)
        with torch.no_grad(), remembering(encoder, kept):
            for number in range(5):
                encoder.token_map(image(number))
        assert (kept.found, kept.made) == (found, 5 - found)
        assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_written_changes_nothing(tmp_path, encoder):
    file = tmp_path / "a file"
    file.write_text("")
    with torch.no_grad():
        expected = encoder.token_map(image())
    assert torch.equal(tokens(encoder, image(), kept_in(file / "folder")), expected)
    assert file.read_text() == ""


def test_a_full_disk_is_left_alone(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(kept_tokens.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    tokens(encoder, image(), kept_in(tmp_path))
    assert not list(tmp_path.iterdir())


def test_the_encoder_is_as_before_afterwards(tmp_path, encoder):
    with pytest.raises(ValueError, match="stop"), remembering(encoder, kept_in(tmp_path)):
        raise ValueError("stop")
    assert "token_map" not in vars(encoder)


def test_where_it_is_kept_and_how_much(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECTRALGPT_HOME", str(tmp_path))
    assert kept_folder() == tmp_path / "cache" / "tokens"
    monkeypatch.delenv("SPECTRALGPT_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kept_tokens.sys, "platform", "linux")
    assert kept_folder() == tmp_path / "SpectralGPT" / "tokens"
    monkeypatch.setenv("SPECTRALGPT_CACHE", "0")
    assert open_kept() is None
    monkeypatch.setenv("SPECTRALGPT_CACHE", "1")
    assert isinstance(open_kept(), KeptTokens)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing_and_are_given_back(threads):
    """Up to 8 windows at a time, each with its share of the threads: one as long as there are no more."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        found = extract(land.predictor(), [land.ground()], **SETTINGS)
        assert torch.get_num_threads() == threads
        torch.set_num_threads(1)
        alone = extract(land.predictor(), [land.ground()], **SETTINGS)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(found.features, alone.features)
    assert threads <= pixel_features.LANES
