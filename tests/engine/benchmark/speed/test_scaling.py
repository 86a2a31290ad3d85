import pytest

from engine.benchmark.speed.scaling import (
    TaskCosts,
    crowded,
    predicted_seconds,
    rows_of_windows,
    task_costs,
)
from engine.benchmark.speed.scene import make_scene
from engine.model_folders import shipped_models


def test_one_worker_does_one_strip_after_the_other():
    """11 rows are one strip: .5 + 11 x 2, and the client's 11 x .1."""
    assert predicted_seconds(TaskCosts(0.5, 2, 0.1), 11, 1) == pytest.approx(0.5 + 22 + 1.1)


def test_two_workers_repeat_the_row_above():
    """Strips of 6 and 5 rows, side by side; the second runs the row above: both take 12, then the client 1.1."""
    assert predicted_seconds(TaskCosts(0, 2, 0.1), 11, 2) == pytest.approx(12 + 1.1)


def test_more_workers_are_sooner_through_until_the_client_is_the_limit():
    costs = TaskCosts(0.1, 2, 0.2)
    times = [predicted_seconds(costs, 114, workers) for workers in (1, 2, 10, 100)]
    assert times == sorted(times, reverse=True)
    assert times[-1] > 114 * 0.2


def test_workers_on_one_machine_slow_each_other_down():
    """Half as long again for what the workers do: 6 x 2 x 1.5 = 18, then the client's 1.1 as before."""
    costs = crowded(TaskCosts(0, 2, 0.1), 1.5)
    assert predicted_seconds(costs, 11, 2) == pytest.approx(18 + 1.1)


def test_a_task_is_measured(tmp_path):
    make_scene(tmp_path / "scene.tif", 720, 720)
    assert len(rows_of_windows(720, 128, 25).tops) == 8  # 0, 96 .. 576, 592
    costs = task_costs(tmp_path / "scene.tif", shipped_models() / "landcover.onnx", 720, tmp_path)
    assert costs.row > 0
    assert costs.receive > 0
    assert costs.fixed >= 0
