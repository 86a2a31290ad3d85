import numpy as np
import pytest
import torch

from engine.cards import Normalisation
from engine.data.patches import Source
from engine.model.config import SpectralGPTConfig
from engine.model.losses import ReconstructionLoss
from engine.model.masked_autoencoder import MaskedAutoencoder
from engine.progress import Progress
from engine.train import masked_pretraining as pretraining
from engine.train.callbacks import Checkpoint
from engine.train.masked_pretraining import (
    MaskedReconstruction,
    PretrainingConfig,
    Stage,
    StageHooks,
    group_choices,
    pretrain,
)
from engine.train.trainer import TrainerConfig

KIND = Normalisation("statistics", (0.2,) * 6, (0.1,) * 6)
STAGES = (
    Stage(16, 8, 4, 3, 3e-3, mask_ratio=0.5),
    Stage(32, 4, 4, 2, 1e-3, mask_ratio=0.5),
)
CPU = TrainerConfig(device="cpu", precision="float32", clip=1.0)


def make():
    torch.manual_seed(0)
    sizes = {"dim": 16, "depth": 2, "heads": 2, "decoder_dim": 16, "decoder_depth": 1}
    config = SpectralGPTConfig(bands=6, image_size=32, patch=8, decoder_heads=2, **sizes)
    return MaskedAutoencoder(config, ReconstructionLoss(spectral=0.0))


def sources():
    """Smooth fields: what is hidden can be told from what is seen."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:48, 0:48] / 48
    images = [
        np.stack([0.2 + a * rows + b * columns for a, b in random.normal(0, 0.15, (6, 2))])
        for _ in range(4)
    ]
    return [Source(image.astype(np.float32), np.ones((48, 48), bool)) for image in images]


def test_pretraining_learns_over_the_stages_and_reports_from_nought_to_one():
    fractions = []

    class Collect(Progress):
        def emit(self, event):
            if event["event"] == "progress":
                fractions.append(event["fraction"])

    config = PretrainingConfig(STAGES, trainer=CPU)
    result = pretrain(
        make(),
        KIND,
        sources(),
        config,
        hooks=StageHooks(evaluate=lambda _: {"x": 1.0}),
        progress=Collect(),
    )
    assert len(result.history) == 5
    assert result.history[-1]["loss"] < 0.9 * result.history[0]["loss"]
    assert result.history[0]["val_x"] == 1.0
    assert fractions == sorted(fractions)


def test_on_a_gpu_it_learns_from_patches_that_are_cut_there(monkeypatch):
    """The atlas lies in the processor's memory here; all else is as on a GPU."""
    laid = []

    def lay_out(given, device):
        assert device.type == "cuda"
        laid.append(real(given, torch.device("cpu")))
        return laid[-1]

    real = pretraining.lay_out
    monkeypatch.setattr(pretraining, "choose_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(pretraining, "lay_out", lay_out)
    result = pretrain(make(), KIND, sources(), PretrainingConfig(STAGES, trainer=CPU))
    assert len(laid) == 1
    assert result.history[-1]["loss"] < 0.9 * result.history[0]["loss"]


def test_a_run_killed_in_the_second_stage_goes_on_there(tmp_path, monkeypatch):
    config = PretrainingConfig(STAGES, trainer=CPU)
    whole = make()
    expected = pretrain(whole, KIND, sources(), config)

    save = Checkpoint.on_epoch_end

    def kill(self, trainer):
        save(self, trainer)
        if len(trainer.loader) == 4 and trainer.epoch == 1 and self._path.stem == "stage2":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoint, "on_epoch_end", kill)
        pretrain(make(), KIND, sources(), config, hooks=StageHooks(checkpoint=tmp_path))
    again = make()
    result = pretrain(again, KIND, sources(), config, hooks=StageHooks(checkpoint=tmp_path))
    assert result.history == expected.history
    for one, other in zip(whole.parameters(), again.parameters()):
        assert torch.equal(one, other)


def test_cancel_ends_all_stages():
    config = PretrainingConfig(STAGES, trainer=CPU)
    result = pretrain(make(), KIND, sources(), config, progress=Progress(lambda: True))
    assert result.cancelled
    assert result.history == ()


def test_no_data_has_no_influence_on_the_loss():
    network = make().eval()
    loss = MaskedReconstruction(KIND, 6, mask_ratio=0.5)
    image = torch.rand(2, 6, 16, 16)
    valid = torch.ones(2, 1, 16, 16)
    valid[:, :, :5, :9] = 0
    values = []
    for rubbish in (0.0, 1e4, float("nan")):
        torch.manual_seed(1)
        given = torch.where(valid > 0, image, rubbish)
        values.append(loss(network, {"image": given, "valid": valid}).item())
    assert values[0] == values[1] == values[2]
    assert np.isfinite(values[0])


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_the_asked_share_of_draws_lacks_some_group(groups):
    choices = group_choices(groups, 0.2)
    whole = tuple(range(groups))
    lacking = [choice for choice in choices if choice != whole]
    assert len(lacking) / len(choices) == pytest.approx(0.2, abs=0.03)
    assert len(set(lacking)) == 2**groups - 2
    assert all(choice == tuple(sorted(choice)) and choice for choice in lacking)


def test_one_group_cannot_lack_any():
    assert group_choices(1, 0.5) == [(0,)]
    assert group_choices(3, 0.0) == [(0, 1, 2)]
