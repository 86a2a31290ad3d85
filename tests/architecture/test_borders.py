"""Who may import whom: the borders of the design, read from the source without running it."""

from __future__ import annotations

import ast
import sys
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = sorted((ROOT / "engine").rglob("*.py"))
PLUGIN = sorted((ROOT / "spectralgpt_qgis").rglob("*.py"))
HEAVY = {"torch", "onnxruntime", "rasterio", "engine"}


def name_of(value):
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else str(value)


@lru_cache(None)
def tree(file):
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imported(file, module_level=False):
    """Yield the dotted name of everything that a file imports, relative ones made absolute."""
    nodes = module_level_nodes(tree(file)) if module_level else ast.walk(tree(file))
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += [node.module] if node.module else []
            yield ".".join(base)
            yield from (".".join([*base, alias.name]) for alias in node.names)


def module_level_nodes(node):
    """Yield the statements that run at import: not function bodies, not `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from module_level_nodes(child)


def roots(names):
    return {name.split(".")[0] for name in names}


def calls(file):
    """Yield the dotted name of everything that a file calls."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def file_of(module):
    path = ROOT.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def reached_at_import(start):
    """Return everything that importing a file imports in turn, as far as it is our own."""
    seen, names, queue = set(), set(), [start]
    while queue:
        file = queue.pop()
        if file in seen:
            continue
        seen.add(file)
        for name in imported(file, module_level=True):
            names.add(name)
            parts = name.split(".")
            for length in range(1, len(parts) + 1):
                own = file_of(".".join(parts[:length]))
                if own and parts[0] in ("engine", "spectralgpt_qgis"):
                    queue.append(own)
    return names


def test_both_sides_are_there():
    assert len(ENGINE) > 20
    assert len(PLUGIN) > 15


@pytest.mark.parametrize("file", ENGINE, ids=name_of)
def test_engine_knows_nothing_of_qgis(file):
    forbidden = {"qgis", "PyQt5", "PyQt6", "PySide2", "PySide6", "spectralgpt_qgis", "processing"}
    assert not roots(imported(file)) & forbidden


@pytest.mark.parametrize("file", ENGINE, ids=name_of)
def test_engine_imports_itself_relatively(file):
    absolute = [
        node.lineno
        for node in ast.walk(tree(file))
        if (isinstance(node, ast.Import) and "engine" in roots(a.name for a in node.names))
        or (
            isinstance(node, ast.ImportFrom)
            and not node.level
            and roots([node.module]) == {"engine"}
        )
    ]
    assert not absolute


@pytest.mark.parametrize("file", ENGINE, ids=name_of)
def test_engine_never_prints(file):
    assert "print" not in set(calls(file))


@pytest.mark.parametrize("file", ENGINE, ids=name_of)
def test_engine_exits_only_in_main(file):
    exits = {"sys.exit", "os._exit", "exit", "quit", "os.abort", "SystemExit"}
    assert file.name == "__main__.py" or not exits & set(calls(file))


@pytest.mark.parametrize("name", ["jobs", "protocol", "progress", "errors", "cards", "bands"])
def test_engine_core_needs_the_standard_library_alone(name):
    names = reached_at_import(ROOT / "engine" / f"{name}.py")
    assert roots(names) - {"engine"} <= sys.stdlib_module_names


@pytest.mark.parametrize("file", sorted((ROOT / "engine" / "infer").rglob("*.py")), ids=name_of)
def test_inference_never_reaches_what_only_training_has(file):
    training = {"torch", "safetensors", "onnx", "onnxscript", "sklearn", "scipy"}
    assert not roots(reached_at_import(file)) & training


@pytest.mark.parametrize("file", ENGINE, ids=name_of)
def test_only_the_cluster_imports_dask_and_only_when_asked(file):
    """The developers' engine has it, the users' has not: an import of it would not be noticed otherwise."""
    dask = {"dask", "distributed"}
    assert not roots(imported(file, module_level=True)) & dask
    assert name_of(file) == "engine/infer/cluster.py" or not roots(imported(file)) & dask


@pytest.mark.parametrize("file", PLUGIN, ids=name_of)
def test_plugin_never_imports_what_the_engine_is_for(file):
    assert not roots(imported(file)) & HEAVY
    assert "numpy" not in roots(imported(file, module_level=True))


@pytest.mark.parametrize("file", PLUGIN, ids=name_of)
def test_plugin_needs_only_qgis_and_the_standard_library(file):
    given = {"qgis", "osgeo", "processing", "spectralgpt_qgis"}
    assert roots(imported(file)) <= sys.stdlib_module_names | given
    assert not any(".PyQt5" in name or name == "qgis._core" for name in imported(file))


@pytest.mark.parametrize(
    "name", ["engine_environment", "environment_command", "engine_client", "paths"]
)
def test_installer_and_client_run_without_qt(name):
    names = reached_at_import(ROOT / "spectralgpt_qgis" / f"{name}.py")
    assert roots(names) - {"spectralgpt_qgis"} <= sys.stdlib_module_names


def test_loading_the_plugin_imports_nothing():
    start = ROOT / "spectralgpt_qgis" / "__init__.py"
    assert roots(reached_at_import(start)) <= {"__future__", "typing"}


@pytest.mark.parametrize(
    "file", sorted((ROOT / "spectralgpt_qgis" / "algorithms").rglob("*.py")), ids=name_of
)
def test_algorithms_touch_no_window_and_no_project(file):
    names = set(imported(file))
    assert not any(name.startswith(("qgis.gui", "spectralgpt_qgis.gui")) for name in names)
    assert not any(name.endswith((".QtWidgets", ".iface")) for name in names)
    assert "QgsProject.instance" not in set(calls(file))


@pytest.mark.parametrize(
    "file", sorted((ROOT / "spectralgpt_qgis" / "tasks").rglob("*.py")), ids=name_of
)
def test_tasks_touch_no_widget_and_no_layer(file):
    names = set(imported(file))
    assert not any(name.startswith(("qgis.gui", "spectralgpt_qgis.gui")) for name in names)
    assert not any(name.endswith((".QtWidgets", ".iface", ".QgsProject")) for name in names)
    assert not any(name.endswith(("MapLayer", "RasterLayer", "VectorLayer")) for name in names)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "spectralgpt_qgis" / "gui").rglob("*.py")), ids=name_of
)
def test_windows_reach_algorithms_by_id_and_the_engine_through_tasks(file):
    names = set(imported(file))
    doors = ("spectralgpt_qgis.algorithms", "spectralgpt_qgis.engine_client", "subprocess")
    assert not any(name.startswith(doors) for name in names)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "spectralgpt_qgis" / "gui").rglob("*.py")), ids=name_of
)
def test_message_bars_take_plain_text_only(file):
    """They show a name such as <b>Wald</b> as HTML, which plain_text.py prevents."""
    if file.name != "plain_text.py":
        names = {name.rpartition(".")[2] for name in calls(file)}
        assert not names & {
            "createMessage",
            "pushMessage",
            "pushInfo",
            "pushWarning",
            "pushCritical",
            "pushSuccess",
        }


@pytest.mark.parametrize("file", PLUGIN, ids=name_of)
def test_only_paths_knows_where_things_are(file):
    if file.name in ("paths.py", "engine_environment.py"):  # the latter can be run as a script
        return
    assert not any(
        isinstance(node, ast.Name) and node.id == "__file__" for node in ast.walk(tree(file))
    )


@pytest.mark.parametrize("file", PLUGIN, ids=name_of)
def test_texts_are_translated_before_they_are_filled_in(file):
    """tr(f"...") and tr("a" + b) are looked up in no catalogue."""
    wrong = [
        node.lineno
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("tr", "self.tr")
        and not (
            len(node.args) == 1
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        )
    ]
    assert not wrong
