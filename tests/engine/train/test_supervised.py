import pytest
import torch
from torch import nn

from engine.cards import Band, Card, ModelClass, Normalisation
from engine.errors import InvalidParameter
from engine.model.predictor import Predictor
from engine.train.supervised import IGNORE, SupervisedLoss, predict, predictor_inputs
from engine.train.trainer import Trainer, TrainerConfig

SIDE = 8


def card(task, classes=2, **settings):
    return Card(
        name="x",
        task=task,
        bands=tuple(Band(f"b{n}") for n in range(3)),
        window=SIDE,
        normalisation=Normalisation("none"),
        classes=tuple(ModelClass(n + 1, f"class {n}") for n in range(classes)),
        **settings,
    )


class Pixels(nn.Module):
    def __init__(self, classes=2):
        super().__init__()
        self.head = nn.Conv2d(3, classes, 1)

    def forward(self, image, groups=None):
        return self.head(image)


class Scenes(Pixels):
    def forward(self, image, groups=None):
        return self.head(image).mean((2, 3))


class Change(Pixels):
    def forward(self, before, after, groups=None):
        return self.head((after - before).abs())


class Loader:
    def __init__(self, *batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return iter(self.batches)


def pixel_batch(seed=0):
    """Class 1 where band 0 is above one half."""
    image = torch.rand(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    label = (image[:, 0] > 0.5).long()
    return {"image": image, "valid": torch.ones(4, 1, SIDE, SIDE), "label": label}


def config(**settings):
    defaults = {"epochs": 60, "learning_rate": 0.2, "weight_decay": 0.0, "device": "cpu"}
    return TrainerConfig(**{**defaults, **settings})


def learn(predictor, batches):
    Trainer(predictor, SupervisedLoss(predictor.card), batches, config(), []).fit()
    return predict(predictor, batches)


def change_batch():
    batch = pixel_batch()
    before = torch.rand(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(9))
    moved = batch["label"][:, None].float()
    return {"before": before, "after": before + moved, "label": batch["label"]}


def scene_batch():
    batch = pixel_batch()
    brightness = torch.tensor([0.0, 0.0, 3.0, 3.0])[:, None, None, None]
    return {"image": batch["image"] + brightness, "label": torch.tensor([0, 0, 1, 1])}


@pytest.mark.parametrize(
    ("task", "network", "batch"),
    [
        ("segmentation", Pixels, pixel_batch),
        ("change-detection", Change, change_batch),
        ("scene-classification", Scenes, scene_batch),
    ],
)
def test_each_task_learns_its_rule(task, network, batch):
    torch.manual_seed(0)
    predictor = Predictor(network(), card(task))
    probabilities, labels = learn(predictor, Loader(batch()))
    assert (probabilities.argmax(1) == labels).mean() > 0.95


def test_several_labels_a_scene_are_learned():
    torch.manual_seed(0)
    label = torch.tensor([[0.0, 1.0], [0.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    image = torch.zeros(4, 3, SIDE, SIDE)
    image[:, :2] = label[:, :, None, None]
    predictor = Predictor(Scenes(), card("scene-classification", multilabel=True))
    probabilities, labels = learn(predictor, Loader({"image": image, "label": label}))
    assert ((probabilities > 0.5) == (labels > 0.5)).all()


def test_unknown_labels_and_no_data_do_not_count():
    """Wrong labels under IGNORE or no-data leave the loss as it is without them."""
    predictor = Predictor(Pixels(), card("segmentation"))
    batch = pixel_batch()
    loss = SupervisedLoss(predictor.card)
    batch["valid"][:, :, :2] = 0
    batch["label"][:, -2:] = IGNORE
    expected = loss(predictor, batch)
    wrong = {**batch, "label": batch["label"].clone()}
    wrong["label"][:, :2] = 1 - wrong["label"][:, :2]
    assert loss(predictor, wrong).item() == pytest.approx(expected.item())
    probabilities, labels = predict(predictor, Loader(batch))
    assert probabilities.shape == (4 * SIDE * (SIDE - 4), 2)
    assert labels.max() <= 1


def test_a_batch_without_labels_gives_no_gradient_instead_of_nan():
    predictor = Predictor(Pixels(), card("segmentation"))
    batch = pixel_batch()
    batch["label"].fill_(IGNORE)
    loss = SupervisedLoss(predictor.card)(predictor, batch)
    loss.backward()
    assert loss.item() == 0
    assert all(value.grad.abs().max() == 0 for value in predictor.parameters())


def test_soft_labels_of_mixup_are_taken():
    predictor = Predictor(Scenes(), card("scene-classification"))
    batch = scene_batch()
    loss = SupervisedLoss(predictor.card)
    hard = loss(predictor, batch)
    soft = loss(predictor, {**batch, "label": nn.functional.one_hot(batch["label"], 2).float()})
    assert soft.item() == pytest.approx(hard.item(), rel=1e-5)


def test_missing_inputs_are_completed():
    predictor = Predictor(Pixels(), card("segmentation", optional_groups=(0,)))
    image, valid, groups = predictor_inputs(predictor, {"image": torch.rand(2, 3, SIDE, SIDE)})
    assert image.shape == (2, 3, SIDE, SIDE)
    assert valid.shape == (2, 1, SIDE, SIDE)
    assert valid.min() == 1
    assert groups.tolist() == [0]


def test_what_is_no_predictor_is_refused():
    with pytest.raises(InvalidParameter, match="takes a Predictor, given Pixels"):
        SupervisedLoss(card("segmentation"))(Pixels(), pixel_batch())
