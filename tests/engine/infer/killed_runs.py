"""Runs in processes of their own that can be killed, and what they leave."""

import multiprocessing
import os
import re
import time

import pyogrio

from engine.batch_jobs import BatchJob
from engine.infer.batch import compute_scenes
from engine.infer.classify import classify
from engine.infer.detect_change import detect_change
from engine.infer.segment import segment
from engine.jobs import ChangeJob, ClassifyJob, SegmentJob
from engine.progress import Progress

KILLS = 20
VERBS = {
    SegmentJob: segment,
    ChangeJob: detect_change,
    ClassifyJob: classify,
    BatchJob: compute_scenes,
}


def contents(folder):
    """Of the outputs in a folder, without the moment at which they were made."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".gpkg":
            _, _, shapes, columns = pyogrio.raw.read(path)
            # As text, in which a missing number equals another.
            found[path.name] = repr([list(shapes), *(column.tolist() for column in columns)])
        else:
            data = path.read_bytes().replace(str(folder).encode(), b"")
            found[path.name] = re.sub(rb"20\d\d-\d\d-\d\dT[\d:]{8}\+00:00", b"", data)
    return found


class Told(Progress):
    """Sends the events to the process that watches."""

    def __init__(self, connection):
        super().__init__()
        self.emit = connection.send


def work(job, connection):
    """In a process of its own: a whole run."""
    VERBS[type(job)](job, Told(connection))
    connection.close()


class Run:
    """A run in a process that can be killed."""

    processes = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")
    processes.set_forkserver_preload(["engine.infer.batch", "pytest"])

    def __init__(self, job):
        self.events, theirs = self.processes.Pipe(duplex=False)
        self.process = self.processes.Process(target=work, args=(job, theirs))
        self.process.start()
        theirs.close()

    def until_the_first_window(self):
        """The lines of the log so far."""
        lines = []
        while (event := self.events.recv())["event"] != "progress":
            lines.append(event.get("message", ""))
        return " ".join(lines)

    def kill(self, seconds):
        """Kills it (SIGKILL) after some seconds, in which it may end; whether it had to be killed."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self.process.is_alive():
            self.drain(left)
        killed = self.process.is_alive()
        self.process.kill()
        self.end()
        return killed

    def drain(self, seconds):
        """Takes what is told, so that it is not held up."""
        try:
            if self.events.poll(seconds):
                self.events.recv()
        except EOFError:
            self.process.join(seconds)

    def end(self):
        while self.process.is_alive():
            self.drain(0.1)
        self.process.join()


def whole_run(run, folder):
    """What a run that nobody kills leaves in a folder, and its seconds from the first window on."""
    run.until_the_first_window()
    began = time.monotonic()
    run.end()
    return contents(folder), time.monotonic() - began


def survive_kills(start, parts, same, chance, seconds):
    """Kills runs at random moments until there were `KILLS`, then lets one end; gives how many went on from another.

    Args:
        start: Begins a run.
        parts: Folder of its outputs.
        same: Checks the outputs of a run that ended.
        chance: random.Random.
        seconds: Of a whole run.
    """
    kills = went_on = done = 0
    while kills < KILLS:
        run = start()
        if match := re.search(r"previous run: (\d+) ", run.until_the_first_window()):
            assert int(match[1]) >= done, kills
            done, went_on = int(match[1]), went_on + 1
        else:
            assert done == 0, kills
        kills += run.kill(chance.uniform(0, seconds / 5))
        if not any(path.name.startswith(".spectralgpt-resume-") for path in parts.iterdir()):
            same()  # it was through
            for path in parts.iterdir():
                path.unlink()
            done = 0
    run = start()
    run.end()
    assert run.process.exitcode == 0
    same()
    return went_on
