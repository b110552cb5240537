"""The one door to numpy, which is loaded when its first function is asked for: a suite that nobody queries has none."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]
else:
    Floats = Ints = Bools = Any

    class _Late:
        """Each name is looked up once."""

        def __getattr__(self, name: str) -> Any:
            value = getattr(import_module("numpy"), name)
            setattr(self, name, value)
            return value

    np = _Late()

__all__ = ["Bools", "Floats", "Ints", "np"]
