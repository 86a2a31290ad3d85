"""The report of an evaluation, and its table."""

import csv

import numpy as np
import pytest

from tests.engine.assess.judging import VALUES, judge, square
from tests.engine.assess.maps import CLASSES, write_map, write_vector
from tests.engine.report.reading import left_in_english, said_quietly, shout

LANGUAGES = {"de": "Konfusionsmatrix", "zh_CN": "混淆矩阵"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_in_the_readers_language(tmp_path, map_path, sampled, language):
    """With a warning of each kind: of the sample, and of a sample that is another map's."""
    labelled, *_ = sampled
    other = write_map(tmp_path / "other.tif", np.full_like(VALUES, 2), classes=CLASSES)
    for judged, design in ((other, "auto"), (map_path, "stratified"), (map_path, "simple")):
        report = tmp_path / "report.html"
        judge(judged, labelled, output_report=str(report), design=design, language=language)
        html = report.read_text(encoding="utf-8")
        assert LANGUAGES[language] in html
        assert left_in_english(html, language[:2]) == []


@pytest.mark.parametrize("kind", ["points", "polygons", "raster"])
def test_nothing_of_a_report_is_left_untranslated(tmp_path, monkeypatch, map_path, sampled, kind):
    references = {
        "points": lambda: sampled[0],
        "polygons": lambda: write_vector(
            tmp_path / "p.gpkg",
            [square(0, 5 * n, 4) for n in range(4)],
            reference=np.array(["Open water", "Dry land"] * 2, object),
        ),
        "raster": lambda: write_map(tmp_path / "truth.tif", VALUES, classes=CLASSES),
    }
    reference, report = references[kind](), tmp_path / "report.html"
    shout(monkeypatch)
    judge(map_path, reference, output_report=str(report))
    data = [map_path, reference, "map.tif", *(item.title for item in CLASSES)]
    assert said_quietly(report.read_text(encoding="utf-8"), data) == []


def test_outputs(tmp_path, map_path, sampled):
    labelled, *_ = sampled
    report, table = tmp_path / "report.html", tmp_path / "matrix.csv"
    result = judge(map_path, labelled, output_report=str(report), output_table=str(table))
    assert result["outputs"] == {"output_report": str(report), "output_table": str(table)}
    html = report.read_text(encoding="utf-8")
    for said in ("Area-adjusted", "Open water", "Olofsson", "python -m engine evaluate", "Kappa"):
        assert said in html
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["true \\ mapped", "Open water", "Dry land"]
    assert [[int(cell) for cell in row[1:]] for row in rows[1:]] == result["matrix"]
