"""What a GPU does whose memory is short."""

import threading

import numpy as np
import pytest

from engine.errors import OutOfMemory
from engine.infer.falling_back import FallingBack


class Doubling:
    """Twice the image; fails beyond a number of windows."""

    def __init__(self, device, largest=10**9, batch=8):
        self.name, self.device, self.batch, self.lanes = f"a {device}", device, batch, 2
        self.inputs = frozenset({"image", "groups"})
        self.largest, self.sizes = largest, []

    def predict(self, feeds):
        size = len(feeds["image"])
        self.sizes.append(size)
        if size > self.largest:
            raise OutOfMemory("The memory is short.")
        assert list(feeds["groups"]) == [0, 2]  # not cut with the batch
        return feeds["image"] * 2


def feeds(count):
    return {"image": np.arange(count, dtype=np.float32).reshape(count, 1), "groups": [0, 2]}


def test_it_is_what_it_wraps(recorder):
    gpu = Doubling("gpu")
    backend = FallingBack(gpu, pytest.fail, recorder())
    assert (backend.name, backend.device, backend.batch, backend.lanes) == ("a gpu", "gpu", 8, 2)
    np.testing.assert_array_equal(backend.predict(feeds(20)), feeds(20)["image"] * 2)
    assert gpu.sizes == [8, 8, 4]


def test_the_batch_is_halved_until_it_fits(recorder):
    progress = recorder()
    gpu = Doubling("gpu", largest=3)
    backend = FallingBack(gpu, pytest.fail, progress)
    np.testing.assert_array_equal(backend.predict(feeds(9)), feeds(9)["image"] * 2)
    assert (backend.device, backend.batch) == ("gpu", 2)
    assert gpu.sizes == [8, 4, 2, 2, 2, 2, 1]
    assert len(progress.texts("warning")) == 2  # 8 to 4, 4 to 2


def test_the_processor_takes_over(recorder):
    progress = recorder()
    gpu, processor = Doubling("gpu", largest=0, batch=2), Doubling("cpu")
    backend = FallingBack(gpu, lambda: processor, progress)
    np.testing.assert_array_equal(backend.predict(feeds(5)), feeds(5)["image"] * 2)
    assert (backend.device, backend.name) == ("cpu", "a cpu")
    assert "The GPU does not have" in progress.texts("warning")[-1]
    processor.largest = 0
    with pytest.raises(OutOfMemory):
        backend.predict(feeds(1))


def test_lanes_that_fail_together_retreat_once(recorder):
    """Four lanes meet the limit at the same moment: the batch is halved once for all of them."""
    meeting = threading.Barrier(4)

    class Meeting(Doubling):
        def predict(self, feeds):
            if len(feeds["image"]) == 8:
                meeting.wait(timeout=60)
            return super().predict(feeds)

    progress = recorder()
    backend = FallingBack(Meeting("gpu", largest=4), pytest.fail, progress)
    threads = [threading.Thread(target=backend.predict, args=(feeds(8),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert backend.batch == 4
    assert len(progress.texts("warning")) == 1
