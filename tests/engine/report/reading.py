"""What a reader gets to see of a report, and what of it is not in the reader's language."""

from __future__ import annotations

import re
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

from engine import language

# Last: scripts/profile.py is not the profile of the standard library.
sys.path.append(str(Path(__file__).resolve().parents[3] / "scripts"))
import message_templates
import translations

_SHOWN = ("aria-label", "alt")
_TELLING = 3  # words that are left of a sentence


class _Reader(HTMLParser):
    """Keeps what is shown: not the style sheet, and not commands, which are no prose."""

    def __init__(self):
        super().__init__()
        self.texts, self._hidden = [], 0

    def handle_starttag(self, tag, attrs):
        self._hidden += tag in ("style", "code")
        self.texts += [value for name, value in attrs if name in _SHOWN]

    def handle_endtag(self, tag):
        self._hidden -= tag in ("style", "code")

    def handle_data(self, data):
        if not self._hidden and data.strip():
            self.texts.append(" ".join(data.split()))


def texts(html):
    """The pieces of text that are shown."""
    reader = _Reader()
    reader.feed(html)
    return reader.texts


@cache
def english_texts():
    """All that the engine says to readers: what it translates itself, and its messages."""
    own = translations.texts_of(message_templates.engine_files())
    return tuple(text for text, _ in [*own, *message_templates.collect()])


def left_in_english(html, code):
    """What a report shows in English although the language has other words for it."""
    catalogue = translations.translated(translations.FOLDER / f"spectralgpt_{code}.ts")
    left, seen = [], texts(html)
    for text in english_texts():
        if catalogue[text] == text:
            continue
        pieces = [piece for piece, *_ in Formatter().parse(text)]
        whole = re.compile(".+?".join(map(re.escape, pieces)), re.DOTALL)
        telling = [piece.strip() for piece in pieces if len(piece.split()) >= _TELLING]
        for shown in seen:
            if whole.fullmatch(shown) or any(piece in shown for piece in telling):
                left.append((text, shown))
    return left


class Shouting(dict):
    """A language that is English in capitals, gaps left alone."""

    def get(self, text, default=None):
        pieces = Formatter().parse(text)
        return "".join(
            piece.upper().replace("{", "{{").replace("}", "}}")
            + ("" if gap is None else f"{{{gap}}}")
            for piece, gap, _, _ in pieces
        )


def shout(monkeypatch):
    """Has whoever asks for a language get the one in capitals."""
    monkeypatch.setattr(language, "_read", lambda code: language.Language("en", Shouting(any="")))


def said_quietly(html, data):
    """What a report in capitals shows in small letters: texts that are not translated.

    Args:
        html: The report.
        data: Names and values that are no words of ours.
    """
    left = []
    for shown in texts(html):
        rest = shown
        for name in sorted(map(str, data), key=len, reverse=True):
            rest = rest.replace(" ".join(name.split()), "")
        if re.search(r"[a-z]{2}", rest):
            left.append(shown)
    return left
