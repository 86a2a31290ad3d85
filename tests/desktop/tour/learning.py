"""The dialogs of the training and accuracy tools."""

from __future__ import annotations

from .dialogs import looked_at
from .layers import layers_by_name


def training():
    image, labels = _layer("Boadella 2020-06-21"), _layer("Labels Boadella 2020-06-21")
    return [
        looked_at("finetune", {"INPUT": [image], "LABELS": labels}),
        looked_at("pretrain", {"INPUTS": [image]}),
    ]


def judging():
    made, labels = _layer("Class map"), _layer("Labels Boadella 2020-06-21")
    return [
        looked_at("evaluate", {"INPUT": made, "REFERENCE": labels}),
        looked_at("sample", {"INPUT": made}),
    ]


def _layer(name):
    return layers_by_name()[name].id()
