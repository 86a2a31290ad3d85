import json
import os
import subprocess
import sys
from pathlib import Path

from engine.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


def engine(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def test_help_of_every_verb():
    listing = engine("--help").stdout
    for verb in ("run", "segment", "classify", "detect-change", "import", "models", "doctor"):
        assert verb in listing
        assert engine(verb, "--help").returncode == 0


def test_threads_sleep_while_they_wait_unless_somebody_chose_otherwise(monkeypatch):
    """It must be said before torch is loaded, which reads it once."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert main([]) == 2
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert main([]) == 2
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    code = "import sys; import engine.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_exit_codes():
    assert engine("doctor").returncode == 0
    assert engine().returncode == 2
    assert engine("segment", "--input", "x").returncode == 2
    missing = engine("segment", "--input", "none.tif", "--model", "none", "--output", "o.tif")
    assert missing.returncode == 1
    assert "There is no model 'none'" in missing.stderr
    out_of_range = engine(
        "segment", "--input", "x", "--model", "m", "--output", "o", "--overlap", "80"
    )
    assert out_of_range.returncode == 2
    assert "between 0 and 75" in out_of_range.stderr


def test_json_gives_one_event_a_line_and_nothing_else():
    lines = engine("doctor", "--json").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert events[-1]["event"] == "result"
    assert events[-1]["libraries"]["numpy"]
    assert {event["event"] for event in events[:-1]} == {"progress"}


def test_run_takes_a_job_from_stdin():
    job = json.dumps({"verb": "models", "parameters": {"task": "backbone"}})
    done = subprocess.Popen(
        [sys.executable, "-m", "engine", "run"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    done.stdin.write(job + "\n")
    done.stdin.flush()
    event = json.loads(done.stdout.readline())
    assert event["event"] == "result"
    assert all(model["task"] == "backbone" for model in event["models"])
    assert done.wait(10) == 0
    done.stdin.close()
    done.stdout.close()


def test_listing_models_imports_no_heavy_library():
    code = (
        "import sys, engine.listing, engine.model_file, engine.__main__; print(sorted(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for library in ("numpy", "torch", "rasterio", "onnxruntime"):
        assert f"'{library}'" not in loaded


def test_an_interrupt_is_a_cancel(tmp_path):
    """Ctrl+C sets the flag; the next progress ends the work with exit code 130."""
    code = (
        "import os, signal, time\n"
        "from engine import __main__ as m\n"
        "def work(job, progress):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    for _ in range(200):\n"
        "        progress.check(); time.sleep(0.01)\n"
        "m.run_job = work\n"
        "raise SystemExit(m.main(['doctor']))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 130
    assert "Cancelled." in ended.stderr
