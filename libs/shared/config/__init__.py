"""Settings: the environment and an optional YAML file, read once into frozen values that are handed down."""

from libs.shared.config.address import Address, Endpoint
from libs.shared.config.suite import Settings, Suite

__all__ = ["Address", "Endpoint", "Settings", "Suite"]
