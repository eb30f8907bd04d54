"""AI Bridge: a self-hosted gateway between coding agents and model providers."""

__version__ = "0.1.0"
