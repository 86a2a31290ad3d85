import platform

import pytest

from engine.infer import processor
from engine.infer.processor import lacks_int8, processor_name

CPUINFO = """processor\t: 0
model name\t: Intel(R) Xeon(R) Processor
flags\t\t: fpu sse2 avx2 avx512f amx_int8 amx_bf16

processor\t: 1
model name\t: Intel(R) Xeon(R) Processor
flags\t\t: fpu sse2 avx2 avx512f amx_int8 amx_bf16
"""


def test_two_processors_of_one_name_are_told_apart_by_what_they_compute_with(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "_LINUX", file)
    file.write_text(CPUINFO)
    assert processor_name() == "Intel(R) Xeon(R) Processor (amx_bf16 amx_int8 avx2 avx512f)"
    file.write_text(CPUINFO.replace(" amx_int8 amx_bf16", ""))
    assert processor_name() == "Intel(R) Xeon(R) Processor (avx2 avx512f)"


def test_where_the_system_tells_nothing_python_does(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "_LINUX", tmp_path / "none")
    assert processor_name() == (platform.processor() or platform.machine())


@pytest.mark.parametrize(
    ("flags", "lacks"),
    [
        ("fpu avx2", True),
        ("fpu avx2 avx512f", True),
        ("fpu avx2 avx_vnni", False),
        ("fpu avx2 avx512f avx512_vnni", False),
        ("fp asimd", False),  # another family: not known
    ],
)
def test_only_vnni_computes_with_8_bit_integers(flags, lacks, tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "_LINUX", file)
    file.write_text(f"model name\t: AMD EPYC\nflags\t\t: {flags}\n")
    assert lacks_int8() is lacks
