"""Real background runs, as from a dialog: what they report, and layers that are removed meanwhile."""

from __future__ import annotations

import tempfile

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsTask,
)
from qgis.PyQt import sip

from spectralgpt_qgis import classFactory
from spectralgpt_qgis.run_journal import journal
from tests.plugin.interface import Interface
from tests.plugin.waiting import wait

pytestmark = pytest.mark.usefixtures("tree_view")


class Run:
    """An algorithm in QGIS's task manager, whose outputs will be loaded into the project."""

    def __init__(self, algorithm, parameters):
        self.algorithm = algorithm.create()
        self.feedback = QgsProcessingFeedback()
        self.context = QgsProcessingContext()
        self.context.setProject(QgsProject.instance())
        self.answer = None
        self.task = QgsProcessingAlgRunnerTask(
            self.algorithm, parameters, self.context, self.feedback
        )
        self.task.executed.connect(self._end)
        assert not self.task.isCanceled()

    def _end(self, ok, results):
        self.answer = (ok, results)

    def start(self):
        QgsApplication.taskManager().addTask(self.task)
        wait(lambda: self.task.status() != QgsTask.TaskStatus.Queued)
        assert self.answer is None
        return self

    def end(self):
        wait(lambda: self.answer is not None)
        return self.answer

    def load(self):
        """Loads the outputs as Processing does after a run from a dialog."""
        from processing.gui.Postprocessing import handleAlgorithmResults

        results = self.answer[1]
        return handleAlgorithmResults(
            self.algorithm, self.context, self.feedback, parameters=results
        )


def destination():
    return QgsProcessingOutputLayerDefinition("TEMPORARY_OUTPUT", QgsProject.instance())


@pytest.fixture
def layer(scene):
    return QgsProject.instance().addMapLayer(QgsRasterLayer(scene, "Boadella"))


@pytest.fixture
def runs(provider, models):
    """Makes runs of segment on a layer; runs announced by the journal are in `runs.told`."""

    def make(layer, **more):
        parameters = {
            "INPUT": layer.id(),
            "MODEL": "landcover",
            "OUTPUT": destination(),
            "CONFIDENCE": destination(),
            **more,
        }
        return Run(provider.algorithm("segment"), parameters)

    make.told = []
    journal.finished.connect(make.told.append)
    yield make
    journal.finished.disconnect(make.told.append)


def groups():
    return [group.name() for group in QgsProject.instance().layerTreeRoot().findGroups()]


def test_a_run_that_ends_well_is_told_and_its_layers_are_grouped_and_temporary(runs, layer):
    run = runs(layer, OVERLAP=50).start()
    ok, _ = run.end()
    assert ok
    (told,) = runs.told
    assert (told.algorithm, told.title) == ("spectralgpt:segment", "Land-cover map")
    assert told.layers == ("Class map", "Confidence (percent)")
    assert told.choices == {"MODEL": "landcover", "OVERLAP": 50}
    assert "Device: cpu" in told.log
    assert run.load()
    (group,) = groups()
    assert group.startswith("Land-cover map: Boadella (")
    made = [item for item in QgsProject.instance().mapLayers().values() if item is not layer]
    assert len(made) == 2
    # QGIS marks temporary layers in the layer tree, and warns before it closes the project.
    assert all(item.isTemporary() for item in made)
    # The checkout itself may be in the folder of temporary files.
    assert layer.isTemporary() is layer.source().startswith(tempfile.gettempdir())


def test_a_layer_that_goes_during_the_run_does_not_matter(runs, layer):
    run = runs(layer).start()
    QgsProject.instance().removeMapLayer(layer.id())
    ok, _ = run.end()
    assert ok
    assert run.load()
    assert len(QgsProject.instance().mapLayers()) == 2
    assert sip.isdeleted(layer)


def test_a_project_that_is_closed_during_the_run_does_not_matter(runs, layer):
    run = runs(layer).start()
    QgsProject.instance().clear()
    ok, _ = run.end()
    assert ok
    assert run.load()
    assert len(QgsProject.instance().mapLayers()) == 2
    assert len(groups()) == 1


def test_a_cancelled_run_tells_nothing(runs, layer):
    run = runs(layer).start()
    run.feedback.cancel()
    ok, _ = run.end()
    assert not ok
    assert runs.told == []


def test_the_plugin_may_go_during_the_run(qgis_processing, models, layer):
    """At the end of a run, QGIS asks the algorithm for its id, which contains that of the provider."""
    interface = Interface()
    plugin = classFactory(interface)
    plugin.initGui()
    algorithm = QgsApplication.processingRegistry().algorithmById("spectralgpt:segment")
    parameters = {"INPUT": layer.id(), "MODEL": "landcover", "OUTPUT": destination()}
    run = Run(algorithm, parameters)
    ids = []
    run.task.executed.connect(lambda *_: ids.append(run.algorithm.id()))
    run.start()
    plugin.unload()
    assert run.answer == (False, {})
    assert ids == ["spectralgpt:segment"]
    interface.close()


def test_a_script_s_run_that_loads_nothing_is_not_told(run, scene, tmp_path, models):
    told = []
    journal.finished.connect(told.append)
    try:
        run(
            "segment",
            {"INPUT": scene, "MODEL": "landcover", "OUTPUT": str(tmp_path / "map.tif")},
        )
    finally:
        journal.finished.disconnect(told.append)
    assert told == []
