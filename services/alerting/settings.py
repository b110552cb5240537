"""What an operator may set about rules and alerts: `ORRERY_ALERTING_<FIELD>`."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings


class AlertingSettings(Settings):
    """Times are in seconds."""

    interval: float = Field(default=60, ge=1, le=86_400)
    """How often a group is evaluated that says nothing of it."""
    shortest: float = Field(default=1, ge=0.1, le=60)
    """The shortest interval that a group may ask for."""
    at_once: int = Field(default=8, ge=1, le=64)
    """Groups that are evaluated at one time."""
    query_seconds: float = Field(default=20, gt=0, le=300)
    """How long monitoring may take over one expression."""
    alerts_most: int = Field(default=1000, ge=1, le=10_000)
    """Alerts that one rule may have at one time; more is an error of the rule."""
    poll: float = Field(default=5, gt=0)
    """How often rule groups are looked up that nothing told of."""
    keep_days: int = Field(default=30, ge=1)
    """How many days an alert that is over stays in the history."""
    keep_most: int = Field(default=100_000, ge=100)
    """How many alerts the history holds; the oldest go first."""
    cluster_name: str = "host"
    """What this cluster is called where a global rule selects clusters."""
