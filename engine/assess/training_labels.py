"""Finds references that a map's model was trained on, which make its accuracy too high."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from ..cards import Card
from ..data.label_fingerprints import FINGERPRINTS, count_known
from ..errors import EngineError
from ..infer.provenance import PREFIX
from ..model_file import find_model, read_card, verify
from .references import References


def warn_of_training_labels(
    references: References, model: str, tags: Mapping[str, str]
) -> list[str]:
    """A warning if references are labels that the model was trained on.

    Args:
        references: The references.
        model: The model that makes the map; empty if there is a map already.
        tags: Metadata of the map, which name its model.
    """
    with suppress(EngineError, OSError, TypeError):  # others may write anything into a card
        card = read_card(find_model(model)) if model else _card_of_map(tags)
        kept = card.training.get(FINGERPRINTS) if card else None
        if kept:
            seen, compared = count_known(references.fingerprints, kept)
            if seen:
                return [
                    f"{seen} of {compared} references are labels that the model was trained on, so the accuracy is "
                    "too high. Use references that were not used for training."
                ]
    return []


def _card_of_map(tags: Mapping[str, str]) -> Card | None:
    """The card of the model that made a map; None if the model is gone or has changed."""
    with suppress(ValueError, KeyError, TypeError):
        path = find_model(json.loads(tags[f"{PREFIX}PARAMETERS"])["model"])
        if verify(path) == tags[f"{PREFIX}MODEL_SHA256"]:
            return read_card(path)
    return None
