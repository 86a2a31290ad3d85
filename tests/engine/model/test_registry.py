"""Networks by name, and nothing else."""

import pytest

from engine.errors import ModelInvalid
from engine.model.config import SpectralGPTConfig
from engine.model.registry import NETWORKS, build_network

CONFIG = SpectralGPTConfig(bands=9, image_size=32, dim=16, depth=1, heads=2, decoder_dim=16)
PUBLISHED = {
    "masked-autoencoder": {},
    "classifier": {"classes": 3, "pooling": "mean", "dropout": 0.1},
    "segmentation": {"classes": 3, "width": 16, "dropout": 0.5, "neck_dropout": 0.0},
    "change": {"width": 16, "dropout": 0.5, "neck_dropout": 0.5},
    "tuned-segmentation": {
        "classes": 3,
        "hidden": 8,
        "layout": [[0, 2], [[2, 0]], [1, 3, 4, 5, 6, 7, 8], [1, 2]],
    },
    "tuned-change": {"hidden": 8, "levels": []},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_network_is_built_again_from_its_own_description(name):
    network = build_network({"network": name, **CONFIG.to_dict(), **PUBLISHED[name]})
    described = network.architecture()
    assert described.items() >= {"network": name, "dim": 16, **PUBLISHED[name]}.items()
    again = build_network(described)
    assert type(again) is type(network)
    assert again.architecture() == described
    shapes = [{k: v.shape for k, v in n.state_dict().items()} for n in (network, again)]
    assert shapes[0] == shapes[1]


def test_unknown_networks_are_refused():
    with pytest.raises(
        ModelInvalid, match=r"'os\.system', but this version supports only masked-autoencoder"
    ):
        build_network({"network": "os.system"})
    assert all(name == name.lower() and "." not in name for name in NETWORKS)


@pytest.mark.parametrize("change", [{"dim": "wide"}, {"bands": 7}, {"heads": 0}])
def test_impossible_descriptions_are_refused(change):
    with pytest.raises(ModelInvalid, match="'masked-autoencoder'"):
        build_network({"network": "masked-autoencoder", **CONFIG.to_dict(), **change})


def test_incomplete_descriptions_are_refused():
    with pytest.raises(ModelInvalid, match="'classifier'"):
        build_network({"network": "classifier", **CONFIG.to_dict()})
