"""Time zones and public holidays, from the pinned data packages, with the versions of these."""

import warnings
from collections.abc import Callable, Collection
from datetime import date
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import files
from zoneinfo import ZoneInfo

import holidays

from engine.policies.problems import Refused

TZDATA = version("tzdata")
HOLIDAYS = version("holidays")


@cache
def zone_names() -> frozenset[str]:
    """Every IANA zone of the pinned data."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone from the pinned data, never from the machine's: verdicts name the version they stand on."""
    if name not in zone_names():
        raise Refused("an IANA time zone such as Europe/Berlin", zone_names())
    with files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


@cache
def countries() -> dict[str, tuple[str, ...]]:
    """The countries whose holidays are known, each with its subdivisions."""
    return {
        country: tuple(parts)
        for country, parts in holidays.list_supported_countries(include_aliases=True).items()
    }


def holidays_of(country: str, subdivision: str | None) -> Callable[[int], Collection[date]]:
    """The public holidays of a year there."""
    return partial(_holidays, country, subdivision)


@cache
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    # Some countries' data span some decades, and the package warns past them: there are no holidays there.
    with warnings.catch_warnings(action="ignore"):
        days = holidays.country_holidays(country, subdiv=subdivision, years=year)
    return frozenset(day for day in days if day.year == year)
