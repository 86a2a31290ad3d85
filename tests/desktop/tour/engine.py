"""The window of the engine, and its page in QGIS's options.

The engine that is installed, repaired and removed here is in the tour's own folder, and the installer is a stand-in:
its Python starts that of the engine used by the tests. Everything else is real, including the engine's self-test.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

from qgis.PyQt.QtWidgets import QLabel, QMessageBox
from qgis.utils import iface

from spectralgpt_qgis import package_installer, paths

from .menus import choose, plugin_menu, window_titled
from .screen import ORDERS, Answer, picture, place, wait

TITLE = "SpectralGPT Engine"
CONFIGURATION = "pyvenv.cfg"


def engine():
    """Presses Verify, for the engine that the tour uses."""
    panel = opened()
    panel.verify_button.click()
    wait(panel.verify_button.isEnabled, "the engine's test")
    panel.log_box.setCollapsed(False)
    picture("engine")
    text = panel.log.toPlainText()
    panel.log_box.setCollapsed(True)
    window_titled(TITLE).close()
    return text


def engine_install():
    """Shows the size of an installation, runs it, and shows the message at its end."""
    with own_engine() as installer:
        panel = opened()
        wait(lambda: "not installed yet" in panel.state.text(), "the sentence about no engine")
        wait(panel.install_button.isEnabled, "the state of the folder")
        panel.choice.maps.setChecked(True)  # the default on a new machine
        picture("engine-missing")
        cost = panel.choice.cost.text()
        installer.hold.clear()
        panel.install_button.click()
        panel.log_box.setCollapsed(False)
        wait(lambda: panel.bar.isVisible() and panel.bar.value() >= 40, "the installation")
        picture("engine-install")
        panel.log_box.setCollapsed(True)
        installer.hold.set()
        return {"cost": cost, **tested(panel)}


def engine_repair():
    """Repairs the engine after the Python that it was made from was removed, as by an update of the system."""
    with own_engine():
        (folder,) = (Path(ORDERS["engine_home"]) / "engine").glob("env-*")
        (folder / CONFIGURATION).write_text("home = /gone\n", encoding="utf-8")
        window_titled(TITLE).close()
        panel = opened()
        wait(lambda: "must be repaired" in panel.state.text(), "the sentence about the damage")
        wait(panel.repair_button.isEnabled, "the state of the folder")
        picture("engine-damaged")
        broken = panel.state.text()
        panel.repair_button.click()
        return {"broken": broken, **tested(panel)}


def engine_remove():
    with own_engine():
        panel = opened()
        wait(panel.remove_button.isEnabled, "the engine's state")
        asked = []

        def agree(question):
            picture("engine-remove")
            asked.append(question.text())
            question.button(QMessageBox.StandardButton.Yes).click()

        answer = Answer(agree)
        panel.remove_button.click()
        answer.check()
        wait(lambda: "not installed yet" in panel.state.text(), "the end of the removal")
        window_titled(TITLE).close()
        return {"asked": asked, "left": (Path(ORDERS["engine_home"]) / "engine").exists()}


def options():
    """Shows the plugin's page in QGIS's options, which are modal."""
    texts = []

    def look(dialog):
        place(dialog, 900, 720)
        picture("options")
        texts.extend(label.text() for label in dialog.findChildren(QLabel))
        dialog.reject()

    answer = Answer(look)
    iface.showOptionsDialog(iface.mainWindow(), "SpectralGPTOptions")
    answer.check()
    return any("The engine is installed" in text for text in texts)


def opened():
    """Opens the engine's window; returns its widget once that has read the engine's state."""
    choose(plugin_menu(), "Engine")
    wait(lambda: window_titled(TITLE), "the engine's window")
    window = window_titled(TITLE)
    place(window, 720, 720)
    panel = window.panel
    wait(panel.install_button.isEnabled, "the engine's state")
    return panel


def tested(panel):
    """Waits for the end of an installation and of the test that follows it; returns the message shown then."""
    before = panel.log.toPlainText().count("The engine passed its test.")
    wait(
        lambda: panel.log.toPlainText().count("The engine passed its test.") > before,
        "the test of the new engine",
    )
    wait(panel.verify_button.isEnabled, "the state of the new engine")
    return {"state": panel.state.text(), "log": panel.log.toPlainText()}


class Installer:
    """Makes an environment whose Python starts that of the engine used by the tests."""

    hold = threading.Event()  # an installation pauses halfway until this is set
    python = ""

    def __init__(self, base, folder, sources, report, is_cancelled):
        self._folder, self._report = folder, report

    def make_environment(self):
        self._report(0.02, "Making an environment")
        python = paths.environment_python(self._folder)
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec "{self.python}" "$@"\n', encoding="utf-8")
        python.chmod(python.stat().st_mode | stat.S_IXUSR)
        text = f"home = {Path(self.python).parent}\n"
        (self._folder / CONFIGURATION).write_text(text, encoding="utf-8")

    def install(self, requirements):
        names = list(dict.fromkeys(line.partition("==")[0] for line in requirements.packages))
        for number, name in enumerate(names):
            share = number / len(names)
            self._report(0.1 + 0.8 * share, f"Collecting {name}")
            if share >= 0.5:
                self.hold.wait()


@contextlib.contextmanager
def own_engine():
    """Gives the tour its own engine home, as on a machine without a prepared Python."""
    changed = {paths.HOME_VARIABLE: ORDERS["engine_home"], paths.PYTHON_VARIABLE: None}
    before = {name: os.environ.get(name) for name in changed}
    Installer.python = before[paths.PYTHON_VARIABLE]
    Installer.hold.set()
    real = package_installer.PackageInstaller
    package_installer.PackageInstaller = Installer
    set_variables(changed)
    try:
        yield Installer
    finally:
        Installer.hold.set()
        package_installer.PackageInstaller = real
        set_variables(before)


def set_variables(values):
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
