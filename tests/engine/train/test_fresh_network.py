import torch

from engine.train.fresh_network import CARD_BANDS, fresh_network, wave_positions


def test_a_seed_gives_the_same_weights():
    one, same, other = (fresh_network("tiny", 32, seed) for seed in (1, 1, 2))
    for name, value in one.state_dict().items():
        assert torch.equal(value, same.state_dict()[name]), name
    assert not torch.equal(one.decoder_pred.weight, other.decoder_pred.weight)
    assert one.config.bands == len(CARD_BANDS)
    assert one.config.grid == (4, 4)


def test_no_two_places_start_alike():
    places = wave_positions(6, 4, 16)[0]  # [24, 16]
    distance = torch.cdist(places, places) + 10 * torch.eye(24)
    assert distance.min() > 0.1
    assert places.abs().max() <= 0.5
