"""What the cards of the models that ship say to whoever chooses one: titles, descriptions, names of classes.

The figures' and the data's own words, and models that users made, stay as their cards have them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "resources" / "models"


def collect() -> Iterator[tuple[str, str]]:
    """Every text with the first model that has it."""
    sys.path.append(str(ROOT))
    from engine.model_file import read_card

    seen = set()
    for file in sorted([*MODELS.glob("*.onnx"), *MODELS.glob("*.safetensors")]):
        card = read_card(file)
        for text in (card.title, card.description, *(item.title for item in card.classes)):
            if text and text not in seen:
                seen.add(text)
                yield text, file.relative_to(ROOT).as_posix()
