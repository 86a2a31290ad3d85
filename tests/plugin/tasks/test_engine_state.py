"""The engine's state, which is known at once, and its size, which is measured afterwards."""

from __future__ import annotations

from spectralgpt_qgis.engine_environment import EngineEnvironment
from spectralgpt_qgis.tasks.engine_state import EngineStateTask


def test_state_and_room_of_a_home_that_is_not_there(qgis_app, no_engine, tmp_path):
    task = EngineStateTask(EngineEnvironment(tmp_path / "nowhere"))
    assert task.run()
    assert task.result.status.state == "missing"
    assert task.result.free > 0
    assert task.result.size is None
    assert not (tmp_path / "nowhere").exists()


def test_the_size_is_that_of_all_files(qgis_app, no_engine, tmp_path):
    engine = tmp_path / "engine"
    (engine / "env-1").mkdir(parents=True)
    (engine / "current.json").write_bytes(b"x" * 10)
    (engine / "env-1" / "library").write_bytes(b"x" * 32)
    seen = []
    task = EngineStateTask(EngineEnvironment(tmp_path))
    task.seen.connect(seen.append)
    assert task.run()
    assert [state.size for state in seen] == [None]
    assert task.result.size == 42
    quick = EngineStateTask(EngineEnvironment(tmp_path), measure=False)
    assert quick.run()
    assert quick.result.size is None
