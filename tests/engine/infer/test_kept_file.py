"""Files that stay with the environment: whole, or as they were."""

from engine.infer.kept_file import keep_file


def test_a_file_is_replaced_and_nothing_else_stays(tmp_path):
    path = tmp_path / "kept.json"
    for content in (b"first", b"second"):
        keep_file(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_written_nothing_is_raised(tmp_path):
    keep_file(tmp_path / "absent" / "kept.json", b"content")
    assert list(tmp_path.iterdir()) == []
