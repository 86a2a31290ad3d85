import pytest

from engine.benchmark.speed.figures import Figures


@pytest.fixture
def figures():
    figures = Figures("Map", "How.")
    ours = figures.add("product", "s", [1.0, 3.0, 2.0], "a backend")
    loop = figures.add("loop", "s", [9.0, 4.0, 6.0])
    figures.ratio("loop by product", loop, ours)
    return figures


def test_medians_and_their_ratio(figures):
    assert [row.median for row in figures.rows] == [2.0, 6.0]
    assert figures.ratios == [("loop by product", 3.0)]


def test_as_json(figures):
    found = figures.to_dict()
    assert found["rows"][0] == {
        "name": "product",
        "unit": "s",
        "values": (1.0, 3.0, 2.0),
        "note": "a backend",
        "median": 2.0,
    }


def test_as_markdown(figures):
    lines = figures.to_markdown()
    assert lines[0] == "## Map"
    assert "| product | 2 s | 1 to 3 (3) | a backend |" in lines
    assert "| loop by product | 3 |" in lines
