"""Identifies this machine's processor, as measured speeds hold for no other."""

from __future__ import annotations

import platform
from pathlib import Path

# Instruction sets that decide how fast a network runs.
_ABILITIES = {"avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8"}
_LINUX = Path("/proc/cpuinfo")


def processor_name() -> str:
    """Name and instruction sets on Linux; elsewhere what Python knows of it."""
    try:
        lines = _LINUX.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    able = sorted(_ABILITIES & set(facts.get("flags", "").split()))
    return f"{facts.get('model name', platform.machine())} ({' '.join(able)})"


def lacks_int8() -> bool:
    """Whether it is known to lack instructions for 8-bit dot products (VNNI)."""
    able = processor_name()
    return "avx2" in able and "vnni" not in able
