import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

openvino = pytest.importorskip("openvino", reason="OpenVINO has no wheel for this system")

from engine.errors import ModelInvalid  # noqa: E402
from engine.infer import openvino_backend  # noqa: E402
from engine.infer.agreement import agreement  # noqa: E402
from engine.infer.backend_samples import sample_windows  # noqa: E402
from engine.infer.onnx_backend import CPU, OnnxBackend  # noqa: E402
from engine.infer.openvino_backend import (  # noqa: E402
    OpenVinoBackend,
    precisions,
    split_after_encoder,
)
from engine.model_file import read_card  # noqa: E402
from engine.model_folders import shipped_models  # noqa: E402


@pytest.fixture
def model(segmenter):
    path = Path(segmenter(valid=True, groups=True))
    return path, read_card(path)


def feeds(count, window=16):
    return {
        "image": np.random.default_rng(0).random((count, 3, window, window), np.float32),
        "valid": np.ones((count, 1, window, window), np.float32),
        "groups": np.array([0]),
    }


def test_it_computes_what_is_computed_by_hand(model, softmax):
    backend = OpenVinoBackend(*model, "float32", 1)
    given = feeds(2)
    scores = backend.predict(given)
    assert (scores.dtype, scores.shape) == (np.float32, (2, 3, 16, 16))
    np.testing.assert_allclose(scores[1], softmax(given["image"][1]), atol=1e-6)
    assert backend.name == f"OpenVINO {openvino.__version__.split('-')[0]}, CPU, float32"


def test_batches_of_several_sizes(model, softmax):
    backend = OpenVinoBackend(*model, "float32", 1)
    for count in (1, 3, 1):
        given = feeds(count)
        scores = backend.predict(given)
        np.testing.assert_allclose(scores[-1], softmax(given["image"][-1]), atol=1e-6)


def test_a_prepared_model_is_compiled_once_and_computes_the_same(model, monkeypatch):
    backend, given = OpenVinoBackend(*model, "float32", 1), feeds(1)
    expected = OpenVinoBackend(*model, "float32", 1).predict(given)
    compiled = []
    compile_model = backend._compile
    monkeypatch.setattr(
        backend, "_compile", lambda used: compiled.append(compile_model(used)) or compiled[-1]
    )
    backend.prepare(given)
    np.testing.assert_array_equal(backend.predict(given), expected)
    assert len(compiled) == 1


def test_a_model_that_cannot_be_prepared_is_told_by_the_prediction(model, monkeypatch):
    backend = OpenVinoBackend(*model, "float32", 1)

    def fail(used):
        raise RuntimeError("no such operation")

    monkeypatch.setattr(backend, "_compile", fail)
    backend.prepare(feeds(1))
    with pytest.raises(ModelInvalid, match="the ONNX model is incomplete"):
        backend.predict(feeds(1))


def test_results_are_the_callers_own(model):
    """A later prediction does not write into an earlier result."""
    backend = OpenVinoBackend(*model, "float32", 1)
    first = backend.predict(feeds(1))
    kept = first.copy()
    backend.predict({**feeds(1), "image": np.zeros((1, 3, 16, 16), np.float32)})
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("name", ["landcover", "scenes", "change"])
@pytest.mark.parametrize("precision", precisions())
def test_the_models_that_ship_compute_the_same_in_float32(name, precision):
    path = shipped_models() / f"{name}.onnx"
    card = read_card(path)
    windows = sample_windows(card)[:2]
    reference = OnnxBackend(path, card, CPU, 1)
    backend = OpenVinoBackend(path, card, precision, 1)
    try:
        scores = [backend.predict(w) for w in windows]
    except ModelInvalid as error:
        if precision != "int8":
            raise
        pytest.skip(f"no product of 8-bit integers on this processor: {error.message}")
    found = agreement([reference.predict(w) for w in windows], scores)
    if precision == "float32":
        assert found.same > 0.9999
        assert found.confidence < 1e-4
    else:
        # Whether it is offered is decided by measuring; that it runs is what has to be seen here.
        assert found.same > 0.9


def test_int8_is_left_out_where_the_processor_lacks_it(monkeypatch):
    monkeypatch.setattr(openvino_backend, "lacks_int8", lambda: False)
    assert "int8" in precisions()  # so say all processors
    monkeypatch.setattr(openvino_backend, "lacks_int8", lambda: True)
    assert "float32" in precisions()
    assert "int8" not in precisions()


def test_an_encoder_is_cut_off_behind_its_last_normalisation():
    core = openvino.Core()
    # Its own choice is bfloat16 where the processor has it.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    model = core.read_model(str(shipped_models() / "landcover.onnx"))
    card = read_card(shipped_models() / "landcover.onnx")
    window = sample_windows(card)[0]
    used = {item.get_any_name(): window[item.get_any_name()] for item in model.inputs}
    model.reshape({name: list(array.shape) for name, array in used.items()})
    whole = core.compile_model(model.clone(), "CPU", exact)(used)[0]
    encoder, head = split_after_encoder(model)
    tokens = core.compile_model(encoder, "CPU", exact)(used)[0]
    assert tokens.shape == (1, 3, 256, 128)  # [B, groups, places, width]
    names = {item.get_any_name() for item in head.inputs}
    joined = core.compile_model(head, "CPU", exact)(
        {name: array for name, array in {**used, "tokens": tokens}.items() if name in names}
    )[0]
    np.testing.assert_allclose(joined, whole, atol=1e-4)


def test_a_graph_without_an_encoder_stays_whole(model):
    assert split_after_encoder(openvino.Core().read_model(str(model[0]))) is None


def test_a_file_that_is_no_graph(tmp_path, model):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(ModelInvalid, match=r"OpenVINO .* cannot run"):
        OpenVinoBackend(path, model[1], "float32", 1)


def test_a_graph_that_is_not_the_cards(model):
    card = replace(model[1], window=32)
    with pytest.raises(ModelInvalid, match=r"expects \[3, 16, 16\].*says \[3, 32, 32\]"):
        OpenVinoBackend(model[0], card, "float32", 1)


def test_nobody_is_told(model, tmp_path):
    """OpenVINO's telemetry keeps an id and counts in the home folder as soon as it is at work."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS", "TF_BUILD")
    }
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from engine.infer.openvino_backend import OpenVinoBackend\n"
        "from engine.model_file import read_card\n"
        "path = Path(sys.argv[1])\n"
        "OpenVinoBackend(path, read_card(path), 'float32', 1)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(model[0])],
        env={**environment, "HOME": str(home), "USERPROFILE": str(home)},
        cwd=Path(__file__).parents[3],
        check=True,
    )
    assert list(home.iterdir()) == []


def test_the_first_windows_of_a_process_may_come_from_two_lanes_at_once():
    """Six fresh processes: without the tensors that the module makes first, one may wait for ever."""
    script = (
        "import threading\n"
        "import numpy as np\n"
        "from engine.infer.openvino_backend import openvino\n"
        "start = threading.Barrier(4)\n"
        "def lane():\n"
        "    start.wait()\n"
        "    openvino.Tensor(np.zeros((1, 9, 128, 128), np.float32), shared_memory=True)\n"
        "    openvino.Tensor(np.arange(3), shared_memory=True)\n"
        "lanes = [threading.Thread(target=lane) for _ in range(4)]\n"
        "for thread in lanes: thread.start()\n"
        "for thread in lanes: thread.join()\n"
    )
    root = Path(__file__).resolve().parents[3]
    for _ in range(6):
        subprocess.run([sys.executable, "-c", script], cwd=root, check=True, timeout=120)
