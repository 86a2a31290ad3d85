"""Which page of the guide explains what, and where the pages that ship are.

The pages are made from docs/guide by scripts/help_pages.py; nothing is fetched, and no Qt is needed to name one.
"""

from __future__ import annotations

from . import paths

# What a tool or a window asks for: page of the guide and section on it.
TOPICS: dict[str, tuple[str, str]] = {
    "index": ("index", ""),
    # The algorithms, by name.
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
    """Return the address of the page about something, a file:// URL; the guide's first page for what has none.

    Args:
        topic: The name of an algorithm, or a key of :data:`TOPICS`.
    """
    page, section = TOPICS.get(topic, TOPICS["index"])
    address = (paths.HELP / f"{page}.html").as_uri()
    return f"{address}#{section}" if section else address
