import pytest

from engine.train.schedule import warmup_cosine


def test_warm_up_rises_linearly_then_cosine_falls_to_the_floor():
    """4 warm-up steps: 1/5 .. 4/5; then 1 at step 4, the middle half way, the floor at the end."""
    factors = [warmup_cosine(step, total=14, warmup=4, floor=0.1) for step in range(15)]
    assert factors[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert factors[9] == pytest.approx(0.1 + 0.9 / 2)
    assert factors[14] == pytest.approx(0.1)
    assert all(a > b for a, b in zip(factors[4:], factors[5:]))


def test_no_warm_up_starts_at_one_and_stays_at_the_floor_beyond_the_end():
    assert warmup_cosine(0, total=10) == 1.0
    assert warmup_cosine(25, total=10, floor=0.2) == pytest.approx(0.2)
