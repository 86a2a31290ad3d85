"""No name of the user or machine and no password remains in a text, in any notation."""

from __future__ import annotations

import json
import random
import unicodedata
from urllib.parse import quote

import pytest

from engine import logins
from spectralgpt_qgis import redaction
from spectralgpt_qgis.redaction import Redactor, _login_of, redactor_of_this_machine

ADDRESS = "/vsicurl/https://anna:secret@host/scene.tif?sv=1&sig=abc%2Bd&se=2"
LETTERS = "abcdefghijklmnopqrstuvwxyzäöüßéñçłžабв王小明"
SYMBOLS = "!#$%&+-_=.,;@/\\^~ "


def word(chance, symbols="", low=3, high=9):
    letters = LETTERS + symbols
    made = "".join(chance.choice(letters) for _ in range(chance.randint(low, high)))
    # With a letter at both ends, as no name begins or ends with a space or symbol.
    return chance.choice(LETTERS) + made + chance.choice(LETTERS)


def written(chance, text):
    """The text in one of the notations that occur in logs and tracebacks."""
    return chance.choice(
        [
            str,
            str.upper,
            quote,
            lambda t: quote(t, safe=""),
            lambda t: json.dumps(t)[1:-1],
            lambda t: t.replace("\\", "/"),
            lambda t: t.replace("\\", "\\\\"),
            lambda t: unicodedata.normalize("NFD", t),
            lambda t: unicodedata.normalize("NFC", t),
        ]
    )(text)


@pytest.mark.parametrize("seed", range(300))
def test_whatever_they_are_called(seed):
    chance = random.Random(seed)
    user, host, login, password = (
        word(chance, "-_ "),
        word(chance, "-"),
        word(chance, "-_"),
        word(chance, SYMBOLS),
    )
    home = chance.choice(["/home/{}", "/Users/{}", "C:\\Users\\{}", "\\\\server\\{}$"]).format(user)
    proxy = f"http://{quote(login, safe='')}:{quote(password, safe='')}@proxy:3128"
    redactor = Redactor([home], [user, host], _login_of(proxy))
    text = " ".join(
        f"{chance.choice(['File', 'line 3,', '(', '=', '/mnt/x_'])}{written(chance, secret)}{end}"
        for secret, end in [
            (home, "/engine/env.py"),
            (home, ""),
            (user, "_data"),
            (host, ".local"),
            (login, " refused"),
            (password, '"'),
            (proxy, "/simple"),
        ]
    )
    clean = unicodedata.normalize("NFC", redactor.redact(text)).casefold()
    for secret in (user, host, login, password):
        secret = unicodedata.normalize("NFC", secret)
        for form in (secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]):
            assert form.casefold() not in clean, (form, text)


def test_the_rest_stays_readable():
    redactor = Redactor(["/home/ada"], ["ada", "lab-7"], ["s3cret"])
    assert redactor.redact("File /home/ada/SpectralGPT/engine/x.py of lab-7, line 12: Canada") == (
        "File ~/SpectralGPT/engine/x.py of ***, line 12: Can***"
    )
    assert (
        redactor.redact("https://bob:pw@pypi.example/simple") == "https://***@pypi.example/simple"
    )
    assert redactor.redact("at C:\\Users\\Grace\\x and '/Users/grace/y'") == (
        "at C:\\Users\\***\\x and '/Users/***/y'"
    )


def test_a_name_of_two_letters_goes_as_a_word_only():
    redactor = Redactor([], ["al"])
    assert redactor.redact("al_data of Al is also total") == "***_data of *** is also total"


def test_this_machine(monkeypatch):
    monkeypatch.setenv("HOME", "/srv/people/ada.lovelace")
    monkeypatch.setenv("USERNAME", "ALovelace")
    monkeypatch.setenv("COMPUTERNAME", "ANALYTICAL-1")
    text = "/srv/people/ada.lovelace/x ALovelace analytical-1 u1:pa%24s pa$s"
    clean = redactor_of_this_machine(["http://u1:pa%24s@proxy:80"]).redact(text)
    assert clean == "~/x *** *** *** ***"


def test_what_counts_as_a_secret_is_the_same_in_the_engine():
    for name in ("_LOGIN", "_KEY", "_DATABASE"):
        assert getattr(redaction, name).pattern == getattr(logins, name).pattern
    assert redaction.without_secrets(ADDRESS) == logins.without_secrets(ADDRESS)


def test_access_keys_stay_out_of_diagnostics():
    assert (
        Redactor([], []).redact(ADDRESS) == "/vsicurl/https://***@host/scene.tif?sv=1&sig=***&se=2"
    )
