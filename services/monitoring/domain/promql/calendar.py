"""Parts of a moment, in UTC: hour, day_of_week and their like."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.monitoring.domain.arrays import Floats, np

DAY = 86_400


def _parts(seconds: Floats, unit: str) -> Floats:
    whole = np.floor(np.where(np.isfinite(seconds), seconds, 0)).astype(np.int64)
    moments = whole.astype("datetime64[s]")
    if unit == "year":
        found = moments.astype("datetime64[Y]").astype(np.int64) + 1970
    elif unit == "month":
        found = moments.astype("datetime64[M]").astype(np.int64) % 12 + 1
    elif unit == "day":
        found = (moments.astype("datetime64[D]") - moments.astype("datetime64[M]").astype("datetime64[D]")).astype(
            int
        ) + 1
    elif unit == "yearday":
        found = (moments.astype("datetime64[D]") - moments.astype("datetime64[Y]").astype("datetime64[D]")).astype(
            int
        ) + 1
    else:
        month = moments.astype("datetime64[M]")
        found = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int)
    return np.where(np.isfinite(seconds), found.astype(float), np.nan)


FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "minute": lambda seconds: np.floor(seconds / 60) % 60,
    "hour": lambda seconds: np.floor(seconds / 3600) % 24,
    "day_of_week": lambda seconds: (np.floor(seconds / DAY) + 4) % 7,
    "day_of_month": lambda seconds: _parts(seconds, "day"),
    "day_of_year": lambda seconds: _parts(seconds, "yearday"),
    "days_in_month": lambda seconds: _parts(seconds, "days"),
    "month": lambda seconds: _parts(seconds, "month"),
    "year": lambda seconds: _parts(seconds, "year"),
}
