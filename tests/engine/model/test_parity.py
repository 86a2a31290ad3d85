"""Our networks against numbers of the official implementation, array by array."""

import numpy as np
import pytest
import torch

from engine.model.change import ChangeNetwork
from engine.model.classifier import SceneClassifier
from engine.model.config import preset
from engine.model.masked_autoencoder import MaskedAutoencoder
from engine.model.segmentation import SegmentationNetwork
from tests.engine.official_weights import DATA, SEED, random_array, state_dict

TOLERANCE = 1e-4  # of an array's own largest magnitude


@pytest.fixture(scope="module")
def reference():
    with np.load(DATA / "reference.npz") as arrays:
        return dict(arrays)


def filled(network_class, variant, *args, **options):
    """A network with the known weights, built without ever allocating fresh ones."""
    with torch.device("meta"):
        network = network_class(*args, **options)
    network.load_state_dict(state_dict(variant), assign=True)
    return network.eval()


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
def test_masked_autoencoder(size, reference):
    name = f"mae_vit_base_patch8_{size}"
    config = preset("base", image_size=size)
    network = filled(MaskedAutoencoder, f"pretrain_{size}", config)
    image = random_array(SEED + 1, 2, 12, size, size)
    noise = random_array(SEED + 2, 2, 4 * (size // 8) ** 2)

    features = network.norm(network.encode(image)).flatten(1, 2)
    check(reference, f"{name}/features", features)
    latent, masking = network.forward_encoder(image, noise=noise)
    check(reference, f"{name}/latent", latent)
    check(reference, f"{name}/mask", masking.hidden)
    prediction = network.forward_decoder(latent, masking, config.grid)
    check(reference, f"{name}/pred", prediction)
    loss = network.forward_loss(image, prediction, masking.hidden)["loss"]
    assert loss.item() == pytest.approx(float(reference[f"{name}/loss"]), rel=TOLERANCE)


@torch.inference_mode()
def test_classifier(reference):
    network = filled(
        SceneClassifier, "classification_128", preset("base"), 10, pooling="mean-after-first"
    )
    logits = network(random_array(SEED + 1, 2, 12, 128, 128)).numpy()
    expected = reference["classifier/logits"]
    error = abs(logits - expected).max() / abs(expected).max()
    assert error < TOLERANCE


@torch.inference_mode()
def test_segmentation(reference):
    network = filled(SegmentationNetwork, "segmentation_128", preset("base"), 13)
    check(reference, "segment", network(random_array(SEED + 1, 1, 12, 128, 128)))


@torch.inference_mode()
def test_change(reference):
    network = filled(ChangeNetwork, "change_128", preset("base"))
    before = random_array(SEED + 1, 1, 12, 128, 128)
    after = random_array(SEED + 3, 1, 12, 128, 128)
    check(reference, "change", network(before, after))
