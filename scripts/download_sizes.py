"""Records the download and unpacked size of the engine for each system, tier and accelerator.

    python3 scripts/download_sizes.py [--find-links DIR]

Needs `uv`, which resolves the pinned requirements and their dependencies to wheels for each system. The size of a wheel
is that on its server; its unpacked size is read from the end of the file, so no wheel is downloaded whole. Run this
script after a change of engine/requirements. It reports combinations without a set of wheels, which get no size.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from functools import cache
from io import RawIOBase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from spectralgpt_qgis.install_size import SIZES, system_key  # noqa: E402
from spectralgpt_qgis.requirement_files import ACCELERATORS, TIERS, read_requirements  # noqa: E402

PYTHON = "3.11"
MACOS = "15.0"  # the oldest that still gets updates; uv's default is older
# (sys.platform, platform.machine()) -> uv's name of the system.
SYSTEMS = {
    ("linux", "x86_64"): "x86_64-manylinux_2_28",
    ("linux", "aarch64"): "aarch64-manylinux_2_28",
    ("win32", "AMD64"): "x86_64-pc-windows-msvc",
    ("darwin", "arm64"): "aarch64-apple-darwin",
    ("darwin", "x86_64"): "x86_64-apple-darwin",
}
CUDA_SYSTEMS = (("linux", "x86_64"), ("win32", "AMD64"))
WHEEL = re.compile(r'url = "([^"]+\.whl)"')


def main() -> int:
    """Writes engine/requirements/sizes.json and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--find-links",
        default="",
        help="folder with PyTorch's builds for processors, where its index is out of reach",
    )
    options = parser.parse_args()
    sizes: dict[str, Any] = {}
    for system in SYSTEMS:
        for tier in TIERS:
            for accelerator in ACCELERATORS:
                if accelerator == "cuda" and system not in CUDA_SYSTEMS:
                    continue
                name = f"{tier}-{accelerator}"
                try:
                    found = measure(wheels(system, tier, accelerator, options.find_links))
                except subprocess.CalledProcessError as error:
                    reason = " ".join(error.stderr.split())[:300]
                    sys.stdout.write(f"{system_key(*system)} {name}: not found: {reason}\n")
                    continue
                sizes.setdefault(system_key(*system), {})[name] = found
                sys.stdout.write(f"{system_key(*system)} {name}: {found}\n")
                sys.stdout.flush()
    record = {"date": date.today().isoformat(), "python": PYTHON, "systems": sizes}
    SIZES.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


def wheels(system: tuple[str, str], tier: str, accelerator: str, links: str) -> list[str]:
    """The addresses of the wheels of an installation.

    Raises:
        CalledProcessError: uv found no set of wheels.
    """
    requirements = read_requirements(
        ROOT / "engine" / "requirements", tier, accelerator, system=system[0]
    )
    if accelerator == "cuda":
        links = ""  # uv would use a CPU build there, which has the same version
    command = [shutil.which("uv") or "uv", "pip", "compile", "-q", "--no-config", "-"]
    command += ["--format", "pylock.toml", "--only-binary", ":all:", "--no-header"]
    command += ["--python-platform", SYSTEMS[system], "--python-version", PYTHON]
    command += ["--default-index", "https://pypi.org/simple"]
    if links:
        command += ["--find-links", links]
    if requirements.torch_index and not links:
        command += ["--index", requirements.torch_index, "--index-strategy", "unsafe-best-match"]
    wanted = "\n".join([*requirements.packages, *requirements.torch])
    done = subprocess.run(
        command,
        input=wanted,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": MACOS},
    )
    return WHEEL.findall(done.stdout)


def measure(addresses: list[str]) -> dict[str, int]:
    """Bytes to download, and bytes when unpacked."""
    # If several wheels of a package fit, only one is installed: count the largest, to be on the safe side.
    each: dict[str, tuple[int, int]] = {}
    for address in addresses:
        package = address.rpartition("/")[2].partition("-")[0]
        each[package] = max(each.get(package, (0, 0)), wheel_size(address))
    return {
        "download": sum(download for download, _ in each.values()),
        "unpacked": sum(unpacked for _, unpacked in each.values()),
    }


@cache
def wheel_size(address: str) -> tuple[int, int]:
    """Bytes of a wheel, and of its unpacked contents."""
    parts = urlparse(address)
    if parts.scheme == "file":
        file: Any = Path(unquote(parts.path)).open("rb")  # noqa: SIM115
    else:
        file = RemoteFile(address)
    with file, zipfile.ZipFile(file) as wheel:
        unpacked = sum(entry.file_size for entry in wheel.infolist())
        return file.seek(0, 2), unpacked


class RemoteFile(RawIOBase):
    """A file on a server that is read in parts, by range requests."""

    def __init__(self, address: str) -> None:
        """Asks the server for the length of the file."""
        super().__init__()
        self._address, self._at = address, 0
        with urlopen(Request(address, method="HEAD"), timeout=60) as answer:
            self._length = int(answer.headers["Content-Length"])

    def seekable(self) -> bool:
        """Always True."""
        return True

    def readable(self) -> bool:
        """Always True."""
        return True

    def tell(self) -> int:
        """The current position."""
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Changes the current position and returns it."""
        self._at = (0, self._at, self._length)[whence] + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Downloads a part of the file."""
        end = self._length if size < 0 else min(self._at + size, self._length)
        if end <= self._at:
            return b""
        request = Request(self._address, headers={"Range": f"bytes={self._at}-{end - 1}"})
        with urlopen(request, timeout=60) as answer:
            content = answer.read()
        self._at += len(content)
        return content


if __name__ == "__main__":
    sys.exit(main())
