"""What an earlier run has computed is used, and makes no difference."""

import pytest

from tests.engine.infer.conftest import Recorder
from tests.engine.train.finetuning.outcome import same, weights


@pytest.mark.usefixtures("drawn")
def test_a_second_run_finds_what_the_first_one_saw_and_makes_the_same_model(
    run, out, tmp_path, monkeypatch
):
    def made(name):
        told = Recorder()
        run(told, output_model=str(out / f"{name}.onnx"))
        return weights(out / f"{name}.safetensors"), " ".join(told.texts("log"))

    plain, _ = made("plain")
    monkeypatch.setenv("SPECTRALGPT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SPECTRALGPT_CACHE", "16")
    first, told = made("first")
    assert "The backbone already processed" not in told
    again, told = made("again")
    views = len(list((tmp_path / "home" / "cache" / "tokens").iterdir()))
    assert f"The backbone already processed {views} of {views} views of the windows" in told
    assert same(first, plain) and same(again, plain)
