"""Our networks against numbers of the official implementation, array by array."""

import numpy as np
import pytest
import torch

from engine.official import load_official
from tests.engine.official_weights import DATA, SEED, container, random_array

TOLERANCE = 1e-4  # of an array's own largest magnitude


@pytest.fixture(scope="module")
def reference():
    with np.load(DATA / "reference.npz") as arrays:
        return dict(arrays)


@pytest.fixture
def imported(tmp_path):
    """Loads a variant the way a user's file is loaded: from its published container."""

    def load(variant):
        path = tmp_path / "published.pth"
        torch.save(container(variant), path)
        network, _ = load_official(path)
        path.unlink()  # it stays mapped
        return network

    return load


def errors(reference, name, array):
    """Largest errors of the samples and of (mean, std, max), over the array's largest magnitude."""
    flat = array.detach().double().numpy().ravel()
    samples = flat[np.linspace(0, flat.size - 1, 512).astype(int)]
    stats = np.array([flat.mean(), flat.std(), abs(flat).max()])
    largest = reference[f"{name}/stats"][2]
    return (
        abs(samples - reference[f"{name}/samples"]).max() / largest,
        abs(stats - reference[f"{name}/stats"]).max() / largest,
    )


def check(reference, name, array):
    assert list(array.shape) == list(reference[f"{name}/shape"])
    samples, stats = errors(reference, name, array)
    assert samples < TOLERANCE
    assert stats < TOLERANCE


@torch.inference_mode()
@pytest.mark.parametrize("size", [96, 128])
def test_masked_autoencoder(size, imported, reference):
    name = f"mae_vit_base_patch8_{size}"
    network = imported(f"pretrain_{size}")
    image = random_array(SEED + 1, 2, 12, size, size)
    noise = random_array(SEED + 2, 2, 4 * (size // 8) ** 2)

    features = network.norm(network.encode(image)).flatten(1, 2)
    check(reference, f"{name}/features", features)
    latent, masking = network.forward_encoder(image, noise=noise)
    check(reference, f"{name}/latent", latent)
    check(reference, f"{name}/mask", masking.hidden)
    prediction = network.forward_decoder(latent, masking, network.config.grid)
    check(reference, f"{name}/pred", prediction)
    loss = network.forward_loss(image, prediction, masking.hidden)["loss"]
    assert loss.item() == pytest.approx(float(reference[f"{name}/loss"]), rel=TOLERANCE)


@torch.inference_mode()
def test_classifier(imported, reference):
    network = imported("classification_128")
    logits = network(random_array(SEED + 1, 2, 12, 128, 128)).numpy()
    expected = reference["classifier/logits"]
    error = abs(logits - expected).max() / abs(expected).max()
    assert error < TOLERANCE


@torch.inference_mode()
def test_segmentation(imported, reference):
    network = imported("segmentation_128")
    check(reference, "segment", network(random_array(SEED + 1, 1, 12, 128, 128)))


@torch.inference_mode()
def test_change(imported, reference):
    network = imported("change_128")
    before = random_array(SEED + 1, 1, 12, 128, 128)
    after = random_array(SEED + 3, 1, 12, 128, 128)
    check(reference, "change", network(before, after))
