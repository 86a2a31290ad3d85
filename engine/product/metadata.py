"""Reads the metadata files of products: XML safely, and Landsat's text and JSON as the same groups of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from xml.etree import ElementTree  # nosec B405

from .files import unreadable

Groups = dict[str, dict[str, str]]  # key and value by group

_ENCODING = re.compile(rb"""^<\?xml[^>]*encoding=["']([\w.-]+)["']""")
_PAIR = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*$")


def parse_xml(content: bytes, name: str) -> ElementTree.Element:
    """Parses an XML file without a document type definition, as its entities can be expanded without limit.

    Raises:
        ProductUnreadable: The content is no such XML.
    """
    try:
        declared = _ENCODING.match(content)
        text = content.decode(declared[1].decode() if declared else "utf-8-sig")
        if "<!" in re.sub(r"<!(?:--|\[CDATA\[)", "", text):
            raise ValueError("document type definition")
        return ElementTree.fromstring(content)  # nosec B314
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise unreadable(name, error) from error


def texts(root: ElementTree.Element, *tags: str) -> list[str]:
    """The texts of all elements with one of several tags, in the file's order."""
    return [(item.text or "").strip() for item in root.iter() if item.tag in tags]


def first_text(root: ElementTree.Element, *tags: str) -> str:
    """The text of the first such element; empty if there is none."""
    return next(iter(texts(root, *tags)), "")


def parse_landsat(content: bytes, name: str) -> Groups:
    """Parses Landsat's metadata, which comes as text (ODL), XML and JSON of the same content.

    Raises:
        ProductUnreadable: The content is none of these.
    """
    try:
        if name.lower().endswith(".xml"):
            return dict(_xml_groups(parse_xml(content, name)))
        text = content.decode("utf-8", "replace")
        if name.lower().endswith(".json"):
            (outer,) = json.loads(text).values()
            return {
                group: {key: str(value) for key, value in pairs.items()}
                for group, pairs in outer.items()
                if isinstance(pairs, dict)
            }
    except (ValueError, AttributeError) as error:
        raise unreadable(name, error) from error
    return _text_groups(text)


def _xml_groups(root: ElementTree.Element) -> Iterator[tuple[str, dict[str, str]]]:
    for group in root:
        yield group.tag, {item.tag: (item.text or "").strip() for item in group}


def _text_groups(text: str) -> Groups:
    groups: Groups = {}
    group = ""
    for line in text.splitlines():
        pair = _PAIR.match(line)
        if not pair or pair[1] == "END_GROUP":
            continue
        if pair[1] == "GROUP":
            group = pair[2]
            groups.setdefault(group, {})
        else:
            groups.setdefault(group, {})[pair[1]] = pair[2].strip('"')
    return groups
