"""Finds the help page for a tool or window among those that ship with the plugin.

The pages are made from docs/guide by scripts/help_pages.py. This module needs neither a network nor Qt.
"""

from __future__ import annotations

from . import paths

# Topic of a tool or window -> page of the guide, and section on that page.
TOPICS: dict[str, tuple[str, str]] = {
    "index": ("index", ""),
    # The algorithms, by name.
    "openproduct": ("product", "open-satellite-product"),
    "segment": ("first-map", "land-cover-map"),
    "classify": ("scenes", "label-scenes"),
    "detectchange": ("change", "detect-change"),
    "finetune": ("train", "train-model-from-labels"),
    "uncertainplaces": ("train", "find-places-to-label-next"),
    "pretrain": ("train", "pretrain-backbone"),
    "evaluate": ("judge", "evaluate-map"),
    "sample": ("judge", "draw-sample-of-a-map"),
    "importmodel": ("models", "import-model"),
    "exportmodel": ("models", "export-model"),
    # The windows.
    "engine": ("install", "the-engine"),
    "options": ("install", "options"),
    "training": ("train", ""),
    "describe": ("models", "which-model-fits-a-layer"),
    "models": ("models", ""),
    "modeler": ("modeler", ""),
    "server": ("server", ""),
    "troubleshooting": ("troubleshooting", ""),
}


def page_url(topic: str) -> str:
    """Return the file:// URL of the page about a topic; of the guide's first page if there is none.

    Args:
        topic: The name of an algorithm, or a key of :data:`TOPICS`.
    """
    page, section = TOPICS.get(topic, TOPICS["index"])
    address = (paths.HELP / f"{page}.html").as_uri()
    return f"{address}#{section}" if section else address
