"""Access to the installed engine, or the reason why there is none, for algorithms and windows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .engine_client import EngineClient, EngineFailed
from .engine_messages import in_users_language
from .i18n import tr
from .paths import user_models
from .settings import engine_environment, home, shared_models, value

if TYPE_CHECKING:
    from .engine_environment import Status

TRAINING_GRACE = 30.0  # s


def status() -> Status:
    """The state of the engine's environment; returns at once."""
    return engine_environment().status()


def models_folder() -> Path:
    """The folder of the user's own models."""
    return user_models(home())


def why_no_models_folder() -> str:
    """Makes the folder of the user's own models if it is missing; returns why that failed, else an empty text."""
    folder = models_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return tr(
            "The folder for your models, {folder}, cannot be created: {reason}. Choose another folder for the engine "
            "with Raster > SpectralGPT > Engine."
        ).format(folder=folder, reason=error.strerror or error)
    return ""


def why_not_ready(tier: str = "inference") -> str:
    """Why jobs of this tier cannot run and what to do; empty if they can run.

    Args:
        tier: "inference" or "training".
    """
    found = status()
    if found.serves(tier):
        return ""
    if found.usable:
        return tr(
            "This tool needs the engine's training libraries, which are not installed. "
            "Install them with Raster > SpectralGPT > Engine."
        )
    if found.state == "missing":
        return tr(
            "SpectralGPT needs its engine, which is not installed yet. "
            "Install it with Raster > SpectralGPT > Engine."
        )
    return tr(
        "The engine of SpectralGPT does not work: {reason} Open Raster > SpectralGPT > Engine."
    ).format(reason=in_users_language(found.message))


def client(tier: str = "inference") -> EngineClient:
    """A client of the installed engine, for one job.

    Raises:
        EngineFailed: The engine is missing or broken.
    """
    reason = why_not_ready(tier)
    python = status().python
    if reason or python is None:
        raise EngineFailed("EngineMissing", reason)
    options: dict[str, Any] = {
        "models": models_folder(),
        "shared": shared_models(),
        "memory": value("memory"),
        "words": in_users_language,
    }
    if tier == "training":
        # A cancelled training still writes the best model so far, which takes a moment.
        options["grace"] = TRAINING_GRACE
    return EngineClient(python, **options)
