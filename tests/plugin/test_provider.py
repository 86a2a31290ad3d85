from __future__ import annotations

import re
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsProcessingParameterDefinition, QgsProcessingParameterEnum

# The interface for scripts and models, which is never renamed.
PARAMETERS = {
    "openproduct": "INPUT RESOLUTION MASK_CLOUDS OUTPUT",
    "segment": "INPUT BANDS MODEL EXTENT MASK OVERLAP DEVICE MIN_AREA "
    "OUTPUT CONFIDENCE OUTPUT_VECTOR AREAS",
    "classify": "INPUT BANDS MODEL ZONES CELL_SIZE DEVICE OUTPUT",
    "detectchange": "BEFORE AFTER BANDS MODEL THRESHOLD DEVICE MIN_AREA "
    "OUTPUT PROBABILITY OUTPUT_VECTOR AREAS",
    "finetune": "INPUT LABELS FIELD TASK AFTER BASE METHOD EPOCHS DEVICE SEED "
    "OUTPUT_MODEL OUTPUT_REPORT",
    "uncertainplaces": "INPUT BANDS MODEL COUNT SIZE LABELS EXTENT MASK OVERLAP DEVICE THREADS OUTPUT",
    "pretrain": "INPUTS BASE STAGES MASK_RATIO EPOCHS DEVICE SEED OUTPUT_MODEL OUTPUT_REPORT",
    "sample": "INPUT SIZE STANDARD_ERROR EXPECTED_ACCURACY ALLOCATION MINIMUM SEED OUTPUT",
    "evaluate": "INPUT REFERENCE FIELD MODEL DESIGN CONFIDENCE OUTPUT_REPORT OUTPUT_TABLE",
    "importmodel": "INPUT OUTPUT_MODEL",
    "exportmodel": "MODEL FORMAT OUTPUT",
}


def algorithm(name):
    found = QgsApplication.processingRegistry().algorithmById(f"spectralgpt:{name}")
    assert found is not None, f"spectralgpt:{name} is not registered"
    return found


def test_the_provider_is_there_with_its_algorithms(provider):
    assert provider.id() == "spectralgpt"
    assert provider.isActive()
    assert not provider.icon().isNull()
    assert Path(provider.svgIconPath()).is_file()
    assert {item.name() for item in provider.algorithms()} == set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_names_are_the_interface(provider, name):
    names = {definition.name() for definition in algorithm(name).parameterDefinitions()}
    assert set(PARAMETERS[name].split()) <= names


@pytest.mark.parametrize("name", PARAMETERS)
def test_identity(provider, name):
    found = algorithm(name)
    assert found.displayName()[0].isupper()
    assert found.displayName()[1:] == found.displayName()[1:].lower()
    assert found.groupId() == found.groupId().lower()
    assert found.group()
    assert found.tags()
    assert found.shortDescription().endswith(".")
    assert Path(found.svgIconPath()).is_file()
    assert "<h3>" in found.shortHelpString()
    # Threaded, cancellable, in batch: the defaults, 8 | 16.
    assert int(found.flags()) & 24 == 24
    assert not int(found.flags()) & int(type(found).Flag.FlagNoThreading)
    assert found.create().name() == name


@pytest.mark.parametrize("name", PARAMETERS)
def test_choices_do_not_depend_on_their_order(provider, name):
    for definition in algorithm(name).parameterDefinitions():
        if isinstance(definition, QgsProcessingParameterEnum):
            assert definition.usesStaticStrings(), definition.name()
            assert definition.defaultValue() in definition.options()


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_is_optional_has_a_default(provider, name):
    """Graphical models and scripts may omit everything but inputs and outputs."""
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    required = {
        definition.name()
        for definition in algorithm(name).parameterDefinitions()
        if not definition.flags() & optional and definition.defaultValue() is None
    }
    inputs = {"INPUT", "BEFORE", "AFTER", "LABELS", "REFERENCE"}
    inputs |= {"MODEL"} if name == "exportmodel" else set()
    assert required <= inputs | {"OUTPUT", "OUTPUT_MODEL"}


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_is_always_seen_is_explained(provider, name):
    advanced = QgsProcessingParameterDefinition.Flag.FlagAdvanced
    text = algorithm(name).shortHelpString().lower()
    for definition in algorithm(name).parameterDefinitions():
        if not definition.flags() & advanced:
            words = re.findall(r"[a-z]{4,}", definition.description().lower())
            assert definition.help() or any(word in text for word in words), definition.name()


@pytest.mark.parametrize(
    "name",
    ["segment", "classify", "detectchange", "finetune", "uncertainplaces", "pretrain", "evaluate"],
)
def test_rarely_needed_parameters_are_advanced(provider, name):
    advanced = QgsProcessingParameterDefinition.Flag.FlagAdvanced
    for parameter in ("DEVICE", "THREADS"):
        assert algorithm(name).parameterDefinition(parameter).flags() & advanced


def test_without_an_engine_algorithms_stay_and_say_why(provider, no_engine):
    runnable, reason = algorithm("segment").canExecute()
    assert not runnable
    assert "not installed yet" in reason
    assert "Raster > SpectralGPT > Engine" in reason
    assert provider.isActive()
    assert provider.warningMessage() == reason


def test_what_trains_needs_the_training_libraries(provider, monkeypatch, models):
    from spectralgpt_qgis import engine_access
    from spectralgpt_qgis.engine_environment import Status

    ready = Status("ready", "", "inference", "cpu", python=engine_access.status().python)
    monkeypatch.setattr(engine_access, "status", lambda: ready)
    for name in ("finetune", "pretrain"):
        runnable, reason = algorithm(name).canExecute()
        assert not runnable
        assert "training libraries" in reason
    for name in ("evaluate", "sample"):
        assert algorithm(name).canExecute() == (True, "")


def test_with_an_engine_there_is_nothing_to_warn_of(provider, models):
    assert algorithm("segment").canExecute() == (True, "")
    assert provider.warningMessage() == ""
