import pytest

from engine.infer.file_lock import lock


def test_a_lock_is_one_holders_until_the_file_is_closed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with path.open("r+b") as first, path.open("r+b") as second:
        lock(first)
        assert first.tell() == 0
        with pytest.raises(OSError):
            lock(second)
        assert second.read() == b"content"
        first.close()
        lock(second)
