"""Whole numbers and truths with NULLs, of which pyogrio makes decimals: masked arrays of the file's own type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyogrio
from numpy.typing import NDArray

_EXACT = 2.0**53  # larger whole numbers, as of cells of H3 and S2, are not exact as decimals


def as_in_file(column: NDArray[Any], kind: str, filled: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """A column in the type that its file has.

    Args:
        column: As pyogrio read it [n].
        kind: The file's type, as numpy names it, or "list(...)".
        filled: Reads the values that are not NULL once more, by themselves and so exactly [m].

    Returns:
        The column; masked where NULL if it holds whole numbers or truths.
    """
    if column.dtype.kind != "f" or not kind.startswith(("int", "uint", "bool")):
        return column
    null = np.isnan(column)
    values = np.zeros(len(column), kind)
    large = np.abs(column[~null]).max(initial=0) >= _EXACT
    values[~null] = filled() if large else column[~null]
    return np.ma.array(values, mask=null)


def filled_values(file: str, name: str, chosen: dict[str, Any]) -> NDArray[Any]:
    """The values of a field that are not NULL, of features chosen by the arguments of `pyogrio.raw.read` [m]."""
    where = f'"{name}" IS NOT NULL' + (f" AND ({chosen['where']})" if chosen["where"] else "")
    choice = {**chosen, "where": where}
    return np.asarray(pyogrio.raw.read(file, columns=[name], read_geometry=False, **choice)[3][0])
