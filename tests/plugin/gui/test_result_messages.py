"""Messages about the results of runs."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtCore import QThread
from qgis.PyQt.QtWidgets import QApplication, QPushButton

from spectralgpt_qgis.gui import result_messages
from spectralgpt_qgis.gui.log_window import LogWindow
from spectralgpt_qgis.gui.result_messages import ResultMessages
from spectralgpt_qgis.run_journal import FinishedRun, journal
from tests.plugin.interface import Interface
from tests.plugin.waiting import wait

MAP = FinishedRun(
    "spectralgpt:segment", "Land-cover map", ("Class map", "Confidence"), log="<b>ok</b>"
)


@pytest.fixture
def interface(qgis_app):
    made = Interface()
    yield made
    made.close()


@pytest.fixture
def part(interface):
    made = ResultMessages(interface)
    made.add()
    yield made
    made.remove()


def buttons(interface):
    (message,) = interface.bar.items()
    return {button.text(): button for button in message.findChildren(QPushButton)}


def test_a_run_is_told_with_its_layers_and_its_log(part, interface):
    journal.tell(MAP)
    (message,) = interface.bar.items()
    assert message.title() == "Land-cover map"
    assert message.text() == "Added to the project: Class map, Confidence"
    assert list(buttons(interface)) == ["Show log"]
    buttons(interface)["Show log"].click()
    log = interface.window.findChild(LogWindow)
    assert log.isVisible()
    assert not log.isModal()
    assert log.text.toPlainText() == "ok"
    for button in log.findChildren(QPushButton):
        if button.text() == "&Copy":
            button.click()
    assert QApplication.clipboard().text() == "ok"


def test_a_model_and_its_report_are_told(part, interface, monkeypatch):
    opened = []
    monkeypatch.setattr(result_messages, "open_file", opened.append)
    run = FinishedRun(
        "spectralgpt:finetune",
        "Train model from labels",
        model="/models/water.onnx",
        report="/r/report.html",
    )
    journal.tell(run)
    (message,) = interface.bar.items()
    assert message.text() == "The model 'water' is ready."
    assert list(buttons(interface)) == ["Open report"]
    buttons(interface)["Open report"].click()
    assert opened == ["/r/report.html"]


def test_a_report_alone(part, interface):
    journal.tell(FinishedRun("spectralgpt:evaluate", "Evaluate map", report="/r/report.html"))
    (message,) = interface.bar.items()
    assert message.text() == "The report is ready: /r/report.html"


def test_the_last_run_replaces_the_one_before(part, interface):
    journal.tell(MAP)
    journal.tell(FinishedRun("spectralgpt:classify", "Label scenes", ("Labelled scenes",)))
    assert [message.title() for message in interface.bar.items()] == ["Label scenes"]


def test_a_message_that_the_user_closed_is_not_closed_again(part, interface):
    journal.tell(MAP)
    interface.bar.popWidget(interface.bar.items()[0])
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    journal.tell(MAP)
    assert len(interface.bar.items()) == 1


def test_a_run_in_another_thread_is_told_in_this_one(part, interface, monkeypatch):
    threads = []
    monkeypatch.setattr(
        result_messages, "result_text", lambda run: threads.append(QThread.currentThread()) or "x"
    )

    class Worker(QThread):
        def run(self):
            journal.tell(MAP)

    worker = Worker()
    worker.start()
    assert worker.wait(5000)
    assert interface.bar.items() == []
    wait(lambda: interface.bar.items())
    assert threads == [interface.window.thread()]


def test_nothing_is_told_once_it_is_removed(interface):
    part = ResultMessages(interface)
    part.add()
    journal.tell(MAP)
    part.open_log(MAP)
    part.remove()
    assert interface.bar.items() == []
    journal.tell(MAP)
    assert interface.bar.items() == []
