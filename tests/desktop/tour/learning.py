"""Training and judging: the dialogs of the tools."""

from __future__ import annotations

from .dialogs import looked_at


def training():
    return [looked_at("finetune"), looked_at("pretrain")]


def judging():
    return [looked_at("evaluate"), looked_at("sample")]
