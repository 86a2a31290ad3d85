"""Explanations of engines that end without an answer."""

from __future__ import annotations

import pytest

from spectralgpt_qgis.engine_client import EngineFailed
from spectralgpt_qgis.engine_exit import explain_exit


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("os.kill(os.getpid(), 9)", "ran out of memory or was terminated by the system"),
        ("os.kill(os.getpid(), 11)", "crashed in one of its libraries (SIGSEGV)"),
        ("sys.exit('the last words')", "Its last words: the last words"),
        ("import there_is_no_such_library", "'there_is_no_such_library' is missing"),
        ("raise MemoryError", "ran out of memory"),
        ("", "stopped without a result (exit code 0)"),
        ('say(event="cancelled")', "terminated by another program"),
    ],
)
def test_an_engine_that_ends_without_an_answer_is_explained(engine, body, words):
    with pytest.raises(EngineFailed) as failure:
        engine(body).run("segment", {})
    assert failure.value.kind == "EngineDied"
    assert words in failure.value.message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0xC0000005, "access violation"),
        (0xC0000135, "Visual C++ Redistributable"),
        (0xC0000017, "ran out of memory"),
        (137, "ran out of memory"),
        (None, "stopped responding"),
    ],
)
def test_exit_codes_in_words(code, words):
    assert words in explain_exit(code)


def test_the_memory_limit_reaches_the_engine_and_is_named_when_it_dies(engine):
    say_it = 'say(event="result", limit=os.environ.get("SPECTRALGPT_MEMORY"))'
    assert engine("import os\n" + say_it, memory=2048).run("segment", {}) == {"limit": "2048"}
    assert engine("import os\n" + say_it).run("segment", {}) == {"limit": None}
    with pytest.raises(EngineFailed, match="It is limited to 2048 MB of memory"):
        engine("import os\nos.abort()", memory=2048).run("segment", {})
