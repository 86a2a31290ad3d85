import sys
from pathlib import Path

from spectralgpt_qgis import base_python, paths
from spectralgpt_qgis.package_installer import PackageInstaller, Sources
from spectralgpt_qgis.requirement_files import read_requirements


def test_uv_gets_the_same_sources(tmp_path, monkeypatch):
    """The commands that uv would get; it is not part of the machines that run the tests."""
    monkeypatch.setattr("shutil.which", lambda name: "/opt/uv" if name == "uv" else None)
    commands = []
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "a.whl").write_text("")
    folder = tmp_path / "env"
    folder.mkdir()
    base = base_python.BasePython(Path(sys.executable), (3, 11), "x86_64")
    installer = PackageInstaller(
        base, folder, Sources(wheels=str(wheels)), lambda *_: None, lambda: False
    )
    monkeypatch.setattr(installer, "_run", lambda command: commands.append(command) or (0, ""))
    paths.environment_python(folder).parent.mkdir()
    paths.environment_python(folder).write_text("")
    installer.make_environment()
    installer.install(read_requirements(paths.REQUIREMENTS, "inference"))
    assert commands[0] == ["/opt/uv", "venv", "--python", sys.executable, str(folder)]
    assert commands[1][:3] == ["/opt/uv", "pip", "install"]
    assert commands[1][-3:] == ["--no-index", "--find-links", str(wheels)]
