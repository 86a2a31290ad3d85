"""Collects texts for translation from data files: cards of the models that ship, and the list of published weights.

The texts of a card are its title, its description and the names of its classes. Its texts about accuracy and training
data are not translated, nor are the cards of users' own models.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "resources" / "models"
PUBLISHED = ROOT / "resources" / "published_weights.json"


def collect() -> Iterator[tuple[str, str]]:
    """Yields every text with the first file in which it occurs."""
    for item in json.loads(PUBLISHED.read_text(encoding="utf-8"))["weights"]:
        for name in ("about", "licence"):
            yield item[name], PUBLISHED.relative_to(ROOT).as_posix()
    sys.path.append(str(ROOT))
    from engine.model_file import read_card

    seen = set()
    for file in sorted([*MODELS.glob("*.onnx"), *MODELS.glob("*.safetensors")]):
        card = read_card(file)
        for text in (card.title, card.description, *(item.title for item in card.classes)):
            if text and text not in seen:
                seen.add(text)
                yield text, file.relative_to(ROOT).as_posix()
