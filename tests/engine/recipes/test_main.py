import sys
from types import ModuleType

import pytest

from engine.errors import EmptyArea
from engine.recipes.__main__ import RECIPES, main


@pytest.fixture
def recipes(monkeypatch):
    """Recipes that only note that they ran, and write a file."""
    ran = []
    for name in RECIPES:
        module = ModuleType(name)

        def make(data, out, progress, name=name):
            if (data / "broken").exists():
                raise EmptyArea("No pixels. Get some.")
            ran.append(name)
            progress.update(0.5, "half way")
            progress.metric("loss", 1, 0.5)
            path = out / f"{name}.onnx"
            path.write_bytes(b"model")
            return path

        module.make = make
        monkeypatch.setitem(sys.modules, f"engine.recipes.{name}", module)
    return ran


def test_all_recipes_run_in_the_order_in_which_they_need_each_other(recipes, tmp_path, capsys):
    assert main(["--data", str(tmp_path), "--out", str(tmp_path)]) == 0
    assert recipes == ["backbone", "scenes", "landcover", "change"]
    told = capsys.readouterr()
    assert told.out == ""
    assert "change.onnx" in told.err
    assert "loss after epoch 1: 0.5000" in told.err


def test_chosen_recipes_run_in_their_order(recipes, tmp_path):
    assert main(["--data", str(tmp_path), "--out", str(tmp_path), "change", "scenes"]) == 0
    assert recipes == ["scenes", "change"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", ".", "--out", ".", "soup"], "soup"),
        (["--data", "nowhere", "--out", "."], "nowhere"),
    ],
)
def test_bad_usage_ends_with_2_and_a_remedy(recipes, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_an_error_of_the_engine_is_told_in_its_words(recipes, tmp_path, capsys):
    (tmp_path / "broken").touch()
    assert main(["--data", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "backbone: No pixels. Get some." in capsys.readouterr().err
