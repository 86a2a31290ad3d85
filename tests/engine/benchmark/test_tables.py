from engine.benchmark.tables import differences_table, figures_table, render


def row(method, mean, std=0.01, place="", experiment="five", measure="accuracy"):
    return {
        "experiment": experiment,
        "place": place,
        "method": method,
        "measure": measure,
        "mean": mean,
        "std": std,
        "fit_seconds": 1.0,
        "predict_seconds": 0.25,
    }


DIFFERENCE = {
    "experiment": "five",
    "place": "",
    "measure": "accuracy",
    "method": "ours",
    "baseline": "forest",
    "mean": 0.1,
    "low": -0.05,
    "high": 0.25,
    "units": 12,
}


def test_methods_are_rows_and_experiments_columns():
    rows = [row("ours", 0.9), row("forest", 0.8), row("ours", 0.95, None, experiment="ten")]
    assert figures_table("accuracy", rows) == [
        "| accuracy | five | ten |",
        "| --- | --- | --- |",
        "| ours | 0.900 ± 0.010 | 0.950 |",
        "| forest | 0.800 ± 0.010 |  |",
    ]


def test_many_places_are_rows():
    rows = [row("ours", value / 10, None, place=f"city {value}") for value in (1, 2)]
    assert figures_table("F1", rows) == [
        "| F1 | ours |",
        "| --- | --- |",
        "| city 1 | 0.100 |",
        "| city 2 | 0.200 |",
    ]


def test_a_difference_has_its_sign_and_interval():
    single = {**DIFFERENCE, "mean": None, "low": None, "high": None, "units": 0}
    lines = differences_table([DIFFERENCE, single])
    assert lines[2] == "| ours minus forest | five, accuracy | +0.100 | -0.050 to +0.250 | 12 |"
    assert lines[3].endswith("|  |  | 0 |")


def test_a_page_has_a_chapter_for_each_part():
    part = {
        "title": "Scenes",
        "about": "Ten classes.",
        "figures": [row("ours", 0.9)],
        "differences": [DIFFERENCE],
    }
    page = render({"parts": {"scenes": part}, "versions": {"numpy": "2.0"}})
    assert page.startswith("## Scenes\n\nTen classes.\n\n| accuracy | five |")
    assert "| ours | 1.00 | 0.25 |" in page
    assert page.endswith("Measured with numpy 2.0.\n")
