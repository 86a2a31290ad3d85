import pytest
import torch

from engine.errors import DeviceUnavailable
from engine.train.device import choose_device, choose_precision


def test_bfloat16_is_never_emulated():
    fast = bool(torch.cpu.get_capabilities().get("amx_bf16", False))
    expected = torch.bfloat16 if fast else torch.float32
    assert choose_precision("auto", torch.device("cpu")) == expected
    assert choose_precision("float32", torch.device("cpu")) == torch.float32


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(DeviceUnavailable, match="A GPU was requested, but"):
        choose_device("gpu")
    assert choose_device("auto").type == "cpu"
