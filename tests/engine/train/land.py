"""Land of square fields, its labels, and a backbone as small as can be: all made for a test."""

import dataclasses

import numpy as np
import pyogrio
import pyproj
import shapely
import torch

from engine.cards import Band, Card, ModelClass, Normalisation
from engine.checkpoint import save
from engine.data.label_layer import LabelledPixels
from engine.model.config import preset
from engine.model.masked_autoencoder import MaskedAutoencoder
from engine.model.pixel_context import ContextLayout
from engine.model.predictor import Predictor
from engine.model.tuned_segmentation import TunedSegmentation
from engine.train.labelled_ground import LabelledGround
from tests.engine.data import rasters

SIZES = {"dim": 16, "depth": 1, "heads": 2, "image_size": 32}
CONFIG = preset("tiny", **SIZES)
TITLES = ("Bare", "Trees", "Water")
CLASSES = tuple(ModelClass(k + 1, title.lower(), title) for k, title in enumerate(TITLES))
# Digital numbers of the nine bands; of bare ground, trees and water.
SPECTRA = np.array(
    [
        [1200, 1500, 2000, 2200, 2400, 2500, 2700, 3300, 2800],
        [300, 500, 300, 900, 2000, 2400, 2600, 1500, 700],
        [600, 500, 400, 300, 250, 200, 150, 100, 80],
    ]
)
FIELD = 24  # pixels
SIDE = 4 * FIELD
LEFT, TOP = rasters.TRANSFORM.c, rasters.TRANSFORM.f

CARD = Card(
    "small",
    "backbone",
    rasters.BANDS,
    title="Small backbone",
    window=32,
    normalisation=Normalisation("statistics", (0.13,) * 9, (0.1,) * 9),
    optional_groups=(1,),
    licence="CC-BY-4.0",
)


def class_map(side=SIDE, field=FIELD):
    """Class index of every pixel: each row of fields begins with the next class."""
    row, column = np.mgrid[:side, :side] // field
    return (row + column) % 3


def image(classes, seed=0, bands=9):
    """What a sensor sees of a class map: uint16 [bands, rows, columns]."""
    values = SPECTRA[classes].transpose(2, 0, 1)
    noise = np.random.default_rng(seed).normal(0, 40, values.shape)
    return (values + noise).clip(1, None).astype("uint16")[:bands]


def middles(side=SIDE, field=FIELD):
    """Row and column in the middle of every field."""
    half = np.arange(field // 2, side, field)
    return [(int(row), int(column)) for row in half for column in half]


def box(row, column, size=4, left=LEFT, top=TOP):
    """A square of size x size whole pixels around a place."""
    x, y = left + 10 * (column - size // 2), top - 10 * (row - size // 2)
    return shapely.box(x, y - 10 * size, x + 10 * size, y)


def point(row, column):
    return shapely.Point(LEFT + 10 * column + 5, TOP - 10 * row - 5)


def polygons(path, shapes, labels, *, field="class", crs="EPSG:32631", kind="Polygon"):
    """Writes labels given in the raster's CRS, in any CRS."""
    if crs != "EPSG:32631":
        move = pyproj.Transformer.from_crs("EPSG:32631", crs, always_xy=True).transform
        shapes = [shapely.transform(s, lambda xy: np.column_stack(move(*xy.T))) for s in shapes]
    values = np.array(labels)
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes)),
        [values.astype(object) if values.dtype.kind == "U" else values],
        [field],
        geometry_type=kind,
        crs=crs,
    )
    return str(path)


def field_labels(path, *, shape=box, names=TITLES, places=None, **more):
    """One label in the middle of each field, 20 pixels apart from the next."""
    known = class_map()
    places = middles() if places is None else places
    labels = [names[known[place]] for place in places]
    return polygons(path, [shape(*place) for place in places], labels, **more)


def backbone(path, card=CARD, config=CONFIG):
    """A backbone of random weights, the same in every call."""
    torch.manual_seed(3)
    save(path, MaskedAutoencoder(config), card)
    return str(path)


def other_bands(count=9):
    """Bands that no one knows the names of."""
    return tuple(Band(f"X{number}") for number in range(count))


def ground(places=None, size=4, side=SIDE, seed=0, invalid=None, place=0):
    """A labelled ground in memory: squares around places are labelled as what they are."""
    known = class_map(side)
    values = image(known, seed).astype("float32") / 10000
    valid = np.ones(known.shape, bool)
    if invalid is not None:
        valid[invalid] = False
    values = values * valid
    unit = np.full(known.shape, -1)
    half = size // 2
    for number, (row, column) in enumerate(middles(side) if places is None else places):
        unit[row - half : row - half + size, column - half : column - half + size] = number
    rows, columns = np.nonzero(unit >= 0)
    label = known[rows, columns].astype(np.uint8)
    pixels = LabelledPixels(rows, columns, label, unit[rows, columns].astype(np.int32))

    def read(window):
        seen = np.zeros((len(values) + 1, window.height, window.width), np.float32)
        part = np.s_[
            window.row_off : window.row_off + window.height,
            window.col_off : window.col_off + window.width,
        ]
        whole = np.concatenate([values, valid[None]])[(slice(None), *part)]
        seen[:, : whole.shape[1], : whole.shape[2]] = whole
        feeds = {"image": seen[:-1], "valid": seen[-1:], "groups": np.arange(3)}
        return feeds, seen[-1] > 0

    return LabelledGround(read, known.shape, pixels, place)


def predictor(hidden=0):
    """A fresh network for the three classes."""
    torch.manual_seed(0)
    card = dataclasses.replace(CARD, task="segmentation", classes=CLASSES)
    network = TunedSegmentation(CONFIG, 3, ContextLayout.of(card), hidden)
    return Predictor(network.eval(), card)
