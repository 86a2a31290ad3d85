"""Made-up products, written once for all tests that only read them, and a run of the verb."""

import pytest

from engine.product.open_product import open_product
from engine.product_jobs import OpenProductJob
from engine.progress import Progress
from tests.engine.product import products


class Recorder(Progress):
    """Keeps the events."""

    def __init__(self):
        super().__init__()
        self.events = []

    def emit(self, event):
        self.events.append(event)

    def texts(self, kind):
        return [event["message"] for event in self.events if event["event"] == kind]


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture(scope="session")
def level_2a(tmp_path_factory):
    return products.level_2a(tmp_path_factory.mktemp("level2a"))


@pytest.fixture(scope="session")
def level_1c(tmp_path_factory):
    return products.level_1c(tmp_path_factory.mktemp("level1c"))


@pytest.fixture(scope="session")
def landsat(tmp_path_factory):
    """The folder of a Landsat product."""
    return products.landsat(tmp_path_factory.mktemp("landsat") / "scene").parent


@pytest.fixture(scope="session")
def hls(tmp_path_factory):
    """The folder of an HLS product."""
    return products.hls(tmp_path_factory.mktemp("hls")).parent


@pytest.fixture
def opened(tmp_path, recorder):
    """Opens a product; returns the verb's result."""

    def run(given, name="scene.vrt", **fields):
        job = OpenProductJob(input=str(given), output=str(tmp_path / name), **fields)
        return open_product(job, recorder)

    return run
