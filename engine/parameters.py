"""Declares and checks the parameters of jobs, for both the protocol and the command line."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
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
                    f"'{cls.verb}' has no parameter '{name}'. Available: {', '.join(known)}."
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
    words, convert = _KINDS[kind]
    try:
        value = convert(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidParameter(
            f"The parameter '{field.name}' of '{verb}' is {value!r}; expected {words} ({limits['help']})."
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
                f"The parameter '{field.name}' of '{verb}' is {value}, but it must be between {low} and {high}."
            )
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:
    if isinstance(value, (bool, str)) or int(value) != value:
        raise TypeError(value)
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, (bool, str)) or not math.isfinite(value):
        raise TypeError(value)
    return float(value)


def _list_of(convert: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def converted(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str):  # would be taken for a list of its letters
            raise TypeError(value)
        return tuple(map(convert, value))

    return converted


def _extent(value: Any) -> tuple[float, ...]:
    if len(value) != 4:
        raise TypeError(value)
    return _list_of(float)(value)


# The types that fields may declare, each in words and with the function that converts a JSON value.
_KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "str": ("text", _text),
    "bool": ("true or false", _truth),
    "int": ("a whole number", _whole),
    "float": ("a number", _number),
    "float | None": ("a number", _number),
    "tuple[str, ...]": ("a list of texts", _list_of(_text)),
    "tuple[int, ...]": ("a list of whole numbers", _list_of(_whole)),
    "tuple[float, ...]": ("a list of numbers", _list_of(float)),
    "tuple[float, ...] | None": ("four numbers: xmin, ymin, xmax, ymax", _extent),
}
