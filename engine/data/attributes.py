"""Restores integer and boolean fields with NULLs, which pyogrio reads as floats, to the file's own type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyogrio
from numpy.typing import NDArray

_EXACT = 2.0**53  # larger integers, such as H3 and S2 cell ids, are not exact as float64


def as_in_file(column: NDArray[Any], kind: str, filled: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Converts a column to the type that it has in its file.

    Args:
        column: As pyogrio read it [n].
        kind: Type of the field in the file, as numpy names it, or "list(...)".
        filled: Reads the values other than NULL again, without the NULLs and so exactly [m].

    Returns:
        The column; a masked array, masked where NULL, if it holds integers or booleans.
    """
    if column.dtype.kind != "f" or not kind.startswith(("int", "uint", "bool")):
        return column
    null = np.isnan(column)
    values = np.zeros(len(column), kind)
    large = np.abs(column[~null]).max(initial=0) >= _EXACT
    values[~null] = filled() if large else column[~null]
    return np.ma.array(values, mask=null)


def filled_values(file: str, name: str, chosen: dict[str, Any]) -> NDArray[Any]:
    """The values of a field other than NULL [m], of the features selected by arguments of `pyogrio.raw.read`."""
    where = f'"{name}" IS NOT NULL' + (f" AND ({chosen['where']})" if chosen["where"] else "")
    choice = {**chosen, "where": where}
    return np.asarray(pyogrio.raw.read(file, columns=[name], read_geometry=False, **choice)[3][0])
