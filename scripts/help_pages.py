"""Makes the help pages that ship (resources/help) from the user guide (docs/guide).

Run it with the engine's Python, which has the required libraries (engine/requirements/tests.txt):

    python scripts/help_pages.py [--out resources/help]

Each Markdown file becomes one page. Headings get the same anchors as on Git hosts, links between the files become links
between the pages, and small versions of the pictures are stored beside the pages, so that these need no network.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import rasterio
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from rasterio.errors import NotGeoreferencedWarning

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "guide"
HELP = ROOT / "resources" / "help"
TEMPLATE = "help_page.html.jinja"
STYLE = "help_page.css"
PICTURES = "pictures"
QUALITY = 75  # of WebP, enough for sharp text in screenshots

# In reading order.
PAGES = (
    "index",
    "install",
    "first-map",
    "product",
    "scenes",
    "change",
    "train",
    "judge",
    "models",
    "modeler",
    "server",
    "troubleshooting",
)


@dataclass(frozen=True)
class Page:
    """One page of the guide.

    Attributes:
        name: Name of the file without extension.
        title: Its first heading.
        sections: Anchor and heading of each entry in its table of contents.
        body: HTML.
        pictures: Files of the pictures in it.
    """

    name: str
    title: str
    sections: tuple[tuple[str, str], ...]
    body: str
    pictures: tuple[Path, ...]


def main() -> int:
    """Writes the pages; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HELP)
    out: Path = parser.parse_args().out
    pages = [read_page(name) for name in PAGES]
    shutil.rmtree(out, ignore_errors=True)
    (out / PICTURES).mkdir(parents=True)
    shutil.copy(Path(__file__).with_name(STYLE), out / STYLE)
    for name, text in rendered(pages).items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    for picture in sorted({file for page in pages for file in page.pictures}):
        write_small(picture, out / PICTURES / small_name(picture))
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"{out}: {len(pages)} pages, {size / 1e6:.1f} MB")
    return 0


def rendered(pages: list[Page]) -> dict[str, str]:
    """Returns the text of every HTML file, by name."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template(TEMPLATE)
    return {
        f"{page.name}.html": template.render(
            page=page,
            body=Markup(page.body),  # made by markdown-it, which escapes HTML
            pages=pages,
            style=STYLE,
            before=pages[place - 1] if place else None,
            after=pages[place + 1] if place + 1 < len(pages) else None,
        )
        + "\n"
        for place, page in enumerate(pages)
    }


def read_page(name: str) -> Page:
    """Reads and converts one Markdown file.

    Raises:
        ValueError: The file does not begin with a heading, or has a link to something outside the guide.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("image", _linked_image)
    tokens = markdown.parse((GUIDE / f"{name}.md").read_text(encoding="utf-8"))
    headings = _anchor_headings(tokens)
    if not headings or headings[0][0] != "h1":
        raise ValueError(f"{name}.md does not begin with a heading")
    pictures = tuple(_local_links(tokens, name))
    return Page(
        name=name,
        title=headings[0][2],
        sections=tuple((anchor, text) for tag, anchor, text in headings if tag == "h2"),
        body=markdown.renderer.render(tokens, markdown.options, {}),
        pictures=pictures,
    )


def anchor_of(heading: str) -> str:
    """Returns the anchor that Git hosts give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def small_name(picture: Path) -> str:
    """Returns the name of a picture's small version."""
    return f"{picture.stem}.webp"


def write_small(picture: Path, target: Path) -> None:
    """Writes a PNG as WebP, which takes a fifth of its size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(picture) as source:
            pixels = source.read((1, 2, 3))  # [3, height, width]
        _, height, width = pixels.shape
        with rasterio.open(
            target,
            "w",
            driver="WEBP",
            width=width,
            height=height,
            count=3,
            dtype="uint8",
            QUALITY=QUALITY,
        ) as small:
            small.write(pixels)


def _anchor_headings(tokens: list[Token]) -> list[tuple[str, str, str]]:
    """Sets the ids of headings; returns tag, id and text of each."""
    found = []
    for opening, inline in zip(tokens, tokens[1:]):
        if opening.type == "heading_open":
            text = "".join(child.content for child in inline.children or ())
            opening.attrSet("id", anchor_of(text))
            found.append((opening.tag, anchor_of(text), text))
    return found


def _local_links(tokens: list[Token], name: str) -> Iterator[Path]:
    """Redirects links and pictures to the files that ship; yields the files of the pictures."""
    for token in (child for inline in tokens for child in inline.children or ()):
        if token.type == "image":
            file = (GUIDE / str(token.attrGet("src"))).resolve()
            if not file.is_file():
                raise ValueError(f"{name}.md shows {file}, which is not there")
            token.attrSet("src", f"{PICTURES}/{small_name(file)}")
            yield file
        elif token.type == "link_open":
            address = urlsplit(str(token.attrGet("href")))
            path = PurePosixPath(address.path)
            if address.scheme or not address.path:
                continue
            if path.suffix != ".md" or path.stem not in PAGES or len(path.parts) > 1:
                raise ValueError(f"{name}.md links to {address.path}, which does not ship")
            anchor = f"#{address.fragment}" if address.fragment else ""
            token.attrSet("href", f"{path.stem}.html{anchor}")


def _linked_image(renderer, tokens, place, options, env) -> str:  # noqa: ANN001
    """A picture that a click opens in full size."""
    image = renderer.image(tokens, place, options, env)
    return f'<a class="picture" href="{tokens[place].attrGet("src")}">{image}</a>'


if __name__ == "__main__":
    sys.exit(main())
