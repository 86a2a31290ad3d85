"""The help pages that ship: made from the guide as it is now, and whole without a network."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from scripts import help_pages
from spectralgpt_qgis import paths
from spectralgpt_qgis.help_pages import TOPICS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [help_pages.read_page(name) for name in help_pages.PAGES]
# WebP loses a little; another picture of the same size differs by far more.
PICTURE_ERROR = 6.0  # mean absolute difference of the values 0..255


class Links(HTMLParser):
    """What a page asks a browser for, the anchors it has, and tags that would run or fetch something."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.ids, self.tags = [], set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.add(tag)
        if "id" in values:
            self.ids.add(values["id"])
        self.addresses += [(tag, values[name]) for name in ("href", "src") if name in values]


def links_of(name):
    return Links((paths.HELP / name).read_text(encoding="utf-8"))


def pixels(file):
    with rasterio.open(file) as source:
        return source.read((1, 2, 3)).astype(float)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_as_the_guide_is(page):
    made = help_pages.rendered(PAGES)[f"{page.name}.html"]
    shipped = (paths.HELP / f"{page.name}.html").read_text(encoding="utf-8")
    assert shipped == made, "run `python scripts/help_pages.py` with the engine's Python"


def test_nothing_else_ships():
    expected = {f"{page.name}.html" for page in PAGES} | {help_pages.STYLE}
    expected |= {
        f"{help_pages.PICTURES}/{help_pages.small_name(picture)}"
        for page in PAGES
        for picture in page.pictures
    }
    found = {
        file.relative_to(paths.HELP).as_posix() for file in paths.HELP.rglob("*") if file.is_file()
    }
    assert found == expected
    assert {file.stem for file in help_pages.GUIDE.glob("*.md")} == set(help_pages.PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_resolve_inside_the_package(page):
    links = links_of(f"{page.name}.html")
    assert not links.tags & {"script", "iframe", "object", "embed", "form"}
    for tag, address in links.addresses:
        parts = urlsplit(address)
        if parts.scheme:
            assert (tag, parts.scheme) == ("a", "https"), f"{page.name} fetches {address}"
            continue
        target = (paths.HELP / unquote(parts.path)).resolve() if parts.path else None
        assert target is None or target.is_file(), f"{page.name} points at {address}"
        assert target is None or target.is_relative_to(paths.HELP)
        if parts.fragment:
            there = links_of(target.name) if target else links
            assert parts.fragment in there.ids, f"{page.name} points at {address}"


def test_every_topic_has_its_section():
    for topic, (page, section) in TOPICS.items():
        assert not section or section in links_of(f"{page}.html").ids, topic


@pytest.mark.filterwarnings(f"ignore::{NotGeoreferencedWarning.__module__}.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    "picture",
    sorted({file for page in PAGES for file in page.pictures}),
    ids=lambda file: file.stem,
)
def test_pictures_are_those_of_the_guide(picture):
    small = paths.HELP / help_pages.PICTURES / help_pages.small_name(picture)
    original, shipped = pixels(picture), pixels(small)
    assert original.shape == shipped.shape
    assert np.abs(original - shipped).mean() < PICTURE_ERROR, "run `python scripts/help_pages.py`"
    assert small.stat().st_size < picture.stat().st_size


def test_anchors_are_those_of_git_hosts():
    assert help_pages.anchor_of("Which model fits a layer?") == "which-model-fits-a-layer"
    assert help_pages.anchor_of("Anywhere or here (`USE`)") == "anywhere-or-here-use"


@pytest.mark.parametrize(
    "text",
    [
        "No heading",
        "# A\n\n[link](elsewhere.md)",
        "# A\n\n[link](../accuracy.md)",
        "# A\n\n![picture](nowhere.png)",
    ],
)
def test_what_would_be_broken_is_refused(text, tmp_path, monkeypatch):
    monkeypatch.setattr(help_pages, "GUIDE", tmp_path)
    (tmp_path / "index.md").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"index\.md"):
        help_pages.read_page("index")


def test_html_in_the_guide_stays_text(tmp_path, monkeypatch):
    monkeypatch.setattr(help_pages, "GUIDE", tmp_path)
    (tmp_path / "index.md").write_text("# A\n\n<script>x</script> a < b", encoding="utf-8")
    assert "&lt;script&gt;" in help_pages.read_page("index").body
