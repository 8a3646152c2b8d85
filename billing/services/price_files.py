"""Price lists as people write them, in TOML or JSON: for each metric the tiers, `above`, `per` and `cents` of each."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from billing.models import Metric
from billing.services.prices import PriceListError, Tier

NAMES = ("above", "per", "cents")
LARGEST = 2**63 - 1
"""What the database can keep."""


def read_tiers(text: str) -> dict[str, list[Tier]]:
    """The tiers of each metric. PriceListError where the text is no such list; it says what is wrong and where."""
    content = _parsed(text)
    unknown = content.keys() - set(Metric.values)
    if unknown:
        raise PriceListError(f"{min(unknown)}: no such metric. There are {', '.join(Metric.values)}.")
    return {metric: _tiers(metric, given) for metric, given in content.items()}


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise PriceListError(f"neither TOML nor JSON: {error}") from None
    if not isinstance(content, dict):
        raise PriceListError("the metrics stand at the top, each with its tiers.")
    return content


def _tiers(metric: str, given: Any) -> list[Tier]:
    if not isinstance(given, list) or not all(isinstance(tier, dict) for tier in given):
        raise PriceListError(f"{metric}: must be a list of tiers, each with {', '.join(NAMES)}.")
    return [_tier(f"{metric}.{position}", tier) for position, tier in enumerate(given)]


def _tier(path: str, given: Mapping[str, Any]) -> Tier:
    unknown = given.keys() - set(NAMES)
    if unknown:
        raise PriceListError(f"{path}.{min(unknown)}: a tier has {', '.join(NAMES)} and nothing else.")
    return Tier(*(_whole(f"{path}.{name}", {"above": 0, **given}.get(name)) for name in NAMES))


def _whole(path: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise PriceListError(f"{path}: must be a whole number from 0 on.")
    return value
