"""Removes from a text what identifies its user: home folders, names, logins, passwords. Standard library only."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

HIDDEN, HOME = "***", "~"
# As in engine/logins.py, which the plugin does not import; a test holds them together.
# user:password@ in an address, which may be the percent-encoded part of another one
_LOGIN = re.compile(r"(?i)(?:(?<=://)[^\s/'\"<>]*@|(?<=%3A%2F%2F)[^\s/'\"<>&]*?%40)")
# Names of signatures, tokens and keys in the queries of storage services, tile servers and GDAL's /vsicurl?.
_KEY = re.compile(
    r"(?i)((?:[?&]|&amp;|%3F|%26)(?:sig|signature|[\w-]*token|api_?key|key|pass|password|pwd|cookie|header\.[\w-]+"
    r"|x-(?:amz|goog)-(?:signature|credential)|awsaccesskeyid|subscription-key)(?:=|%3D))[^&\s'\"<]+?"
    r"(?=%26|[.,:;)]*(?:[&\s'\"<]|$))"  # not the end of a sentence
)
# In GDAL names such as PG:, not in the name of a folder.
_DATABASE = re.compile(r"(?i)(?<![/\\])(\bpass(?:word)?=)('[^']*'|[^\s'\"&]+)")
_SOMEBODYS_HOME = re.compile(r"(?i)(/home/|/Users/|\b[a-z]:[\\/]+Users[\\/]+)[^\\/\s'\"]+")
_SHORT = 3  # characters; shorter names are removed only as whole words, else every "a" would go
_NOBODY = {"localhost", "home", "users"}


def without_secrets(text: str) -> str:
    """Replace logins, passwords and access keys in addresses and database names by ***, as the engine does."""
    text = _LOGIN.sub(f"{HIDDEN}@", text)
    text = _KEY.sub(rf"\g<1>{HIDDEN}", text)
    return _DATABASE.sub(rf"\g<1>{HIDDEN}", text)


class Redactor:
    """Replaces home folders by ~ and all names by ***, whatever their case and notation."""

    def __init__(
        self, homes: Iterable[str], names: Iterable[str], secrets: Iterable[str] = ()
    ) -> None:
        """Prepares the search.

        Args:
            homes: Home folders.
            names: Names of the user and of the machine.
            secrets: Logins and passwords; removed everywhere, both plain and percent-encoded.
        """
        replaced = {form: HOME for home in homes if len(home) > 1 for form in _forms(home)}
        for secret in filter(None, secrets):
            replaced.update(dict.fromkeys(_forms(secret), HIDDEN))
        for name in names:
            if name.strip() and name.lower() not in _NOBODY:
                replaced.update(dict.fromkeys(_forms(name), HIDDEN))
        self._replaced = {form.lower(): new for form, new in replaced.items()}
        self._words = sorted(replaced, key=len, reverse=True)
        self._short = {name.lower() for name in self._words if len(name) < _SHORT}

    def redact(self, text: str) -> str:
        """Return the text with all of these replaced."""
        text = without_secrets(text)
        for word in self._words:
            pattern = re.escape(word)
            if word.lower() in self._short:
                pattern = rf"(?<![^\W_]){pattern}(?![^\W_])"
            new = self._replaced[word.lower()]
            text = re.sub(pattern, lambda _, new=new: new, text, flags=re.IGNORECASE)  # type: ignore[misc]
        return _SOMEBODYS_HOME.sub(lambda found: f"{found[1]}{HIDDEN}", text)


def redactor_of_this_machine(proxies: Iterable[str] = ()) -> Redactor:
    """Return a redactor for this user on this machine.

    Args:
        proxies: Proxy addresses, which may contain a login.
    """
    homes = {str(Path.home()), os.path.expanduser("~"), str(Path.home().resolve())}
    environment = ("USERPROFILE", "HOME")
    homes |= {os.environ[name] for name in environment if os.environ.get(name)}
    machine = platform.node()
    names = {machine, machine.partition(".")[0], Path.home().name}
    for name in ("USER", "USERNAME", "LOGNAME", "COMPUTERNAME", "USERDOMAIN", "USERDNSDOMAIN"):
        names.add(os.environ.get(name, ""))
    with contextlib.suppress(OSError, KeyError, ImportError):  # a user without a system account
        names.add(getpass.getuser())
    return Redactor(homes, names, [part for address in proxies for part in _login_of(address)])


def _login_of(address: str) -> list[str]:
    try:
        parts = urlsplit(address)
        found = [parts.username, parts.password, parts.netloc.rpartition("@")[0]]
    except ValueError:
        found = [address]
    return [part for part in found if part]


def _forms(text: str) -> set[str]:
    """The notations in which a name is likely to occur."""
    forms = {text, text.rstrip("/\\")}
    forms |= {unquote(form) for form in forms}
    forms |= {form.upper() for form in forms}  # not only another case: ß becomes SS
    forms |= {unicodedata.normalize(kind, form) for form in forms for kind in ("NFC", "NFD")}
    forms |= {form.replace("\\", "/") for form in forms} | {
        form.replace("\\", "\\\\") for form in forms
    }
    forms |= (
        {json.dumps(form)[1:-1] for form in forms}
        | {quote(form) for form in forms}
        | {quote(form, safe="") for form in forms}
    )
    return {form for form in forms if form}
