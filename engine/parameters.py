"""Declares and checks the parameters of jobs, for both the protocol and the command line."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar

from .errors import InvalidParameter


def parameter(help: str, default: Any = dataclasses.MISSING, **limits: Any) -> Any:
    """Declares a field of a job.

    Args:
        help: Its meaning, for `--help`.
        default: Default value; without one the parameter is required.
        **limits: `minimum`, `maximum` (numbers) or `choices` (text). For the command line: `positional`, and `words`
            for a list whose items may be separated by commas (paths may contain one).
    """
    return dataclasses.field(default=default, metadata={"help": help, **limits})


class Job:
    """Base class of jobs; subclasses are frozen dataclasses."""

    verb: ClassVar[str]
    summary: ClassVar[str]

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Job:
        """Makes the job from JSON values.

        Raises:
            InvalidParameter: A parameter is unknown, missing, of the wrong type or out of range.
        """
        known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        for name in parameters:
            if name not in known:
                raise InvalidParameter(
                    f"'{cls.verb}' has no parameter '{name}'. It has: {', '.join(known)}."
                )
        values = {}
        for name, field in known.items():
            if name in parameters:
                values[name] = _checked(cls.verb, field, parameters[name])
            elif field.default is dataclasses.MISSING:
                raise InvalidParameter(
                    f"'{cls.verb}' needs the parameter '{name}': {field.metadata['help']}."
                )
        return cls(**values)


def _checked(verb: str, field: dataclasses.Field[Any], value: Any) -> Any:
    """Converts `value` to the type that `field` declares, and checks its limits."""
    kind, limits = str(field.type), field.metadata
    if value is None and kind.endswith("| None"):
        return None
    try:
        value = _converted(kind, value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidParameter(
            f"The parameter '{field.name}' of '{verb}' is {value!r}; expected {_words(kind)} ({limits['help']})."
        ) from error
    if "choices" in limits and value not in limits["choices"]:
        choices = ", ".join(choice or "(empty)" for choice in limits["choices"])
        raise InvalidParameter(
            f"The parameter '{field.name}' of '{verb}' is '{value}'; choose one of: {choices}."
        )
    if isinstance(value, (int, float)):
        low, high = limits.get("minimum", float("-inf")), limits.get("maximum", float("inf"))
        if not low <= value <= high:
            raise InvalidParameter(
                f"The parameter '{field.name}' of '{verb}' is {value}; it must lie between {low} and {high}."
            )
    return value


def _converted(kind: str, value: Any) -> Any:
    if kind == "str" and isinstance(value, str):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if isinstance(value, (bool, str)):
        raise TypeError(kind)
    if kind == "int" and int(value) == value:
        return int(value)
    if kind in ("float", "float | None") and math.isfinite(value):
        return float(value)
    if kind == "tuple[str, ...]":
        if not all(isinstance(item, str) for item in value):
            raise TypeError(kind)
        return tuple(value)
    if kind == "tuple[int, ...]":
        return tuple(_converted("int", item) for item in value)
    if kind == "tuple[float, ...]":
        return tuple(float(item) for item in value)
    if kind == "tuple[float, ...] | None" and len(value) == 4:
        return tuple(float(item) for item in value)
    raise TypeError(kind)


def _words(kind: str) -> str:
    return {
        "str": "text",
        "bool": "true or false",
        "int": "a whole number",
        "float": "a number",
        "float | None": "a number",
        "tuple[str, ...]": "a list of texts",
        "tuple[int, ...]": "a list of whole numbers",
        "tuple[float, ...]": "a list of numbers",
        "tuple[float, ...] | None": "four numbers: xmin, ymin, xmax, ymax",
    }[kind]
