import pytest
import torch

from engine.errors import OutOfMemory
from engine.progress import Progress
from engine.train.smaller_batches import is_out_of_memory, with_smaller_batches


class Collect(Progress):
    def __init__(self):
        super().__init__()
        self.events = []

    def emit(self, event):
        self.events.append(event)


def test_the_batch_is_halved_until_it_fits():
    tried = []

    def work(batch):
        tried.append(batch)
        if batch > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return batch

    progress = Collect()
    assert with_smaller_batches(work, 12, progress) == 3
    assert tried == [12, 6, 3]
    assert "trying 3" in progress.events[-1]["message"]
    assert len(progress.events) == 2


def test_what_never_fits_is_told():
    def work(batch):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 EB")

    with pytest.raises(OutOfMemory, match="batch of 1"):
        with_smaller_batches(work, 4, Progress())
    with pytest.raises(OutOfMemory, match="batch of 4"):
        with_smaller_batches(work, 4, Progress(), least=4)


def test_other_errors_pass():
    def work(batch):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        with_smaller_batches(work, 4, Progress())


def test_a_real_failed_allocation_is_recognised():
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
