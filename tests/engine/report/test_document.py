"""A report is one well-formed file that shows what it was given."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from engine.errors import DiskFull
from engine.language import speaking
from engine.report.charts import WIDTH, bar_plot, curve_plot, matrix_plot, ticks
from engine.report.document import (
    Bar,
    Bars,
    Code,
    Curves,
    Facts,
    Matrix,
    Picture,
    Section,
    Table,
    Text,
    Warnings,
    render,
    write,
)
from engine.report.numerals import UNKNOWN, between, count, decimal, figure, percent

VOID = {"meta", "img", "br", "link"}


class Nesting(HTMLParser):
    """Fails on a tag that is closed in another's place; keeps what is read."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.addresses = [], [], []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def every_block():
    return [
        Section("Words", [Text(["One.", "Two <b>&"]), Warnings(["Few points."])]),
        Section(
            "Numbers",
            [
                Facts([("seed", "7")]),
                Table(["class", "F1"], [["water", "0.91"]], "Per class"),
                Matrix(["water", "land"], [[9, 1], [2, 1200]], "Confusion"),
            ],
        ),
        Section(
            "Charts",
            [
                Curves("Loss", {"train": [(1, 0.9), (2, 0.5), (3, 0.4)]}, "epoch", "loss"),
                Bars("F1", [Bar("water", 0.9, 0.85, 0.94, "#0000ff"), Bar("land", 0.7)], 1.0),
                Picture(b"\x89PNG", "Example"),
                Code("python -m engine finetune --seed 7"),
            ],
        ),
        Section("Nothing", []),
    ]


def test_every_block_is_there_and_the_tags_nest():
    html = render("Report", "of a test", every_block(), version="1.2")
    page = Nesting()
    page.feed(html)
    words = "".join(page.words)
    assert html.startswith("<!DOCTYPE html>")
    assert page.open == []
    for said in ("One.", "Two <b>&", "Few points.", "water", "0.91", "1\u202f200", "loss", "1.2"):
        assert said in words
    assert "<h2>Nothing" not in html
    assert base64.b64encode(b"\x89PNG").decode() in html


def test_the_file_needs_nothing_beside_it():
    html = render("Report", "", every_block())
    page = Nesting()
    page.feed(html)
    assert page.addresses
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert "<script" not in html
    assert "url(" not in html
    assert "@import" not in html


def test_text_is_escaped_wherever_it_comes_from():
    bad = "<script>alert('x')</script>\""
    sections = [
        Section(
            bad,
            [
                Text([bad]),
                Warnings([bad]),
                Facts([(bad, bad)]),
                Table([bad], [[bad]], bad),
                Matrix([bad], [[1]], bad),
                Curves(bad, {bad: [(0, 0), (1, 1)]}, bad, bad),
                Bars(bad, [Bar(bad, 1, color=bad)]),
                Picture(b"", bad),
                Code(bad),
            ],
        )
    ]
    html = render(bad, bad, sections, bad)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 15
    assert not re.search(r'="[^"<]*</script', html)


def test_charts_are_valid_svg_inside_their_frame():
    drawings = re.findall(r"<svg.*?</svg>", render("r", "", every_block()), re.DOTALL)
    assert len(drawings) == 3  # lines, their legend, bars
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        width, height = (float(v) for v in root.attrib["viewBox"].split()[2:])
        assert width <= WIDTH
        for path in root.iter("path"):
            for x, y in re.findall(r"[ML]([-\d.]+),([-\d.]+)", path.attrib["d"]):
                assert 0 <= float(x) <= width
                assert 0 <= float(y) <= height


def test_a_line_goes_through_its_points():
    plot = curve_plot(Curves("t", {"a": [(0, 0), (10, 1)]}))
    x0, x1 = plot.x_ticks[0].place, plot.x_ticks[-1].place
    y0, y1 = plot.y_ticks[0].place, plot.y_ticks[-1].place
    assert [plot.x_ticks[0].label, plot.x_ticks[-1].label] == ["0", "10"]
    assert plot.lines[0].paths == (f"M{x0:g},{y0:g}L{x1:g},{y1:g}",)


def test_unknown_values_interrupt_a_line_and_a_lone_point_is_a_dot():
    nan = float("nan")
    plot = curve_plot(Curves("t", {"a": [(0, 1), (1, 2), (2, nan), (3, 4), (4, nan)]}))
    assert len(plot.lines[0].paths) == 1
    assert len(plot.lines[0].dots) == 1


@pytest.mark.parametrize("series", [{}, {"a": []}, {"a": [(0, float("nan"))]}])
def test_curves_without_values_say_so(series):
    assert curve_plot(Curves("t", series)) is None
    assert "No values." in render("r", "", [Section("s", [Curves("t", series), Bars("b", [])])])


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.13, 0.87, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 100, [0, 20, 40, 60, 80, 100]),
        (-3, 5, [-4, -2, 0, 2, 4, 6]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low, high, marks):
    assert ticks(low, high) == marks


@pytest.mark.parametrize("value", [0.0, 5.0, -0.25, 1e-9])
def test_a_single_value_has_an_axis_around_it(value):
    marks = ticks(value, value)
    assert marks[0] < value < marks[-1]


def test_bars_are_in_proportion_and_stop_at_the_maximum():
    plot = bar_plot(Bars("t", [Bar("half", 0.5, 0.4, 1.2), Bar("?", float("nan"))], 1.0))
    half, unknown = plot.bars
    assert half.high == pytest.approx(2 * half.length)  # the whole axis
    assert half.low == pytest.approx(0.8 * half.length)
    assert (unknown.length, unknown.label) == (0.0, UNKNOWN)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a" * 23, "a" * 23),  # 13.8 heights of a letter
        ("a" * 24, "a" * 22 + "…"),
        ("水" * 14, "水" * 14),
        ("水" * 15, "水" * 13 + "…"),
    ],
)
def test_names_beside_bars_fit(name, shown):
    (placed,) = bar_plot(Bars("t", [Bar(name, 1)])).bars
    assert (placed.name, placed.full_name) == (shown, name)


def test_a_matrix_has_its_sums_and_is_shaded_by_row():
    plot = matrix_plot(Matrix(["a", "b"], np.array([[3, 1], [0, 0]])))
    assert [cell.share for cell in plot.rows[0].cells] == [0.75, 0.25]
    assert [cell.share for cell in plot.rows[1].cells] == [0, 0]
    assert (plot.rows[0].total, plot.totals, plot.total) == ("4", ("3", "1"), "4")


def test_a_matrix_of_shares_keeps_its_decimals():
    assert matrix_plot(Matrix(["a"], [[0.25]])).total == "0.2500"


def test_numbers_read_well():
    assert count(1234567) == "1\u202f234\u202f567"
    assert decimal(0.12345) == "0.123"
    assert percent(0.5) == "50.0 %"
    assert between(0.1, 0.2, 1) == "0.1–0.2"
    assert count(float("nan")) == decimal(float("nan")) == percent(float("nan")) == UNKNOWN


def test_numbers_follow_the_language():
    with speaking("de"):
        assert decimal(1234.5, 1) == "1\u202f234,5"
        assert (percent(0.5), figure(0.25), figure(1e-5)) == ("50,0 %", "0,25", "1e-05")
        assert between(0.1, 0.2, 1) == "0,1–0,2"
        plot = curve_plot(Curves("t", {"a": [(0, 0), (10, 1)]}))
    assert [tick.label for tick in plot.y_ticks][:2] == ["0", "0,2"]
    assert (decimal(1234.5, 1), figure(float("nan"))) == ("1\u202f234.5", UNKNOWN)


def test_the_page_names_its_language():
    with speaking("zh-Hans"):
        page = render("t", "", every_block(), version="1.2")
    assert '<html lang="zh-Hans">' in page and "由 SpectralGPT for QGIS 1.2 生成" in page
    assert '<html lang="en">' in render("t", "", [])


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(self, *arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(DiskFull, match=r"'report\.html' could not be completed"):
        write(tmp_path / "report.html", "Title", "", every_block())
