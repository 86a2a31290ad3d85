"""The smallest network of change, and a card for it."""

from engine.cards import Band, Card, ModelClass, Normalisation
from engine.model.config import SpectralGPTConfig

SMALL = SpectralGPTConfig(
    bands=9,
    image_size=32,
    dim=16,
    depth=1,
    heads=2,
    decoder_dim=16,
    decoder_depth=1,
    decoder_heads=2,
)
CARD = Card(
    name="change",
    task="change-detection",
    bands=tuple(Band(f"B{n}", "", 0.5 + n / 10, 0.05) for n in range(9)),
    window=32,
    normalisation=Normalisation("scene-statistics"),
    optional_groups=(1,),
    classes=(ModelClass(0, "unchanged"), ModelClass(1, "changed")),
)
