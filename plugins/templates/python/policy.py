"""The policy: keeps traces that cross many services, which is where things go wrong between teams.

It imports nothing of Tailsieve, so `python3 -m unittest` tests it without one.
"""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """`config` of the policy file."""

    # Traces of as many services or more are kept.
    min_services: int
    # Failed traces need this many only.
    min_services_of_errors: int

    @classmethod
    def parse(cls, text: str) -> "Settings":
        """Reads JSON; ValueError says what is wrong."""
        config = json.loads(text)
        if not isinstance(config, dict):
            raise ValueError("config is no mapping; write config: {min_services: 4}")
        unknown = config.keys() - {"min_services", "min_services_of_errors"}
        if unknown:
            raise ValueError(f"unknown setting {sorted(unknown)[0]}")
        least = config.get("min_services")
        of_errors = config.get("min_services_of_errors", least)
        if not isinstance(least, int) or least < 2:
            raise ValueError("min_services is a number of at least 2: every trace has one")
        if not isinstance(of_errors, int):
            raise ValueError("min_services_of_errors is no number")
        return cls(least, of_errors)


def decide(settings: Settings, services: int, has_error: bool) -> str:
    """The verdict on a trace."""
    least = settings.min_services_of_errors if has_error else settings.min_services
    return "sample" if services >= least else "abstain"
