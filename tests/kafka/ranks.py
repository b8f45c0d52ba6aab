"""A whole log with three backlogs: each item has a rank, which says in which backlog it is and who owns it.

Some items change their rank in the middle of their life. Features belong to ARTs, and epics to the portfolio; stories
stay with their teams.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zlib import crc32

import yaml

from tests.oracle.logs import Log
from tests.oracle.rules import Json

RANKS = ("story", "story", "feature", "epic")
BACKLOGS = [
    {"backlog": "epics", "home": "portfolio", "holds": {"rank": "epic"}},
    {"backlog": "features", "home": "art", "holds": {"rank": "feature"}},
    {"backlog": "stories", "home": "team", "holds": {"rank": "story"}},
]


def ranked(log: Log) -> tuple[list[Json], Json]:
    """Give the events of a log with ranks, trains and points, and the configuration with three backlogs."""
    config: Json = yaml.safe_load(log.flow_yaml)
    trains = [art["art"] for stream in config["organisation"] for art in stream["arts"]]
    for stream in config["organisation"]:
        for art in stream["arts"]:
            art["owns"] = [{"train": art["art"]}]
            art["load_limit"] = {"features": 20, "stories": art.get("load_limit", 150)}
    at = log.instants[1]
    config |= {
        "portfolio": {"load_limit": 30, "owns": [{"rank": "epic"}]},
        "backlogs": BACKLOGS,
        "windows": [*config["windows"], "pi", "previous_pi", "iteration", "previous_iteration"],
        "time_zone": "Europe/Helsinki",
        "program_increments": [
            {"name": f"{year}.{half}", "start": f"{year}-{first}", "end": f"{year}-{last}"}
            for year in range(at.year - 6, at.year + 1)
            for half, first, last in ((1, "01-10", "05-20"), (2, "06-01", "12-20"))
        ],
        "iterations": {"first": f"{at.year - 6}-01-05", "length": "2w"},
        "retention": "1000d",
    }
    return list(_ranked(log.events, trains)), config


def _ranked(events: Iterable[Json], trains: list[str]) -> Iterator[Json]:
    seen: dict[str, int] = {}
    for event in events:
        item = event["data"]["item"]
        number = seen[item] = seen.get(item, -1) + 1
        chance = crc32(item.encode())
        # One item in five changes its rank with its third event.
        rank = RANKS[(chance + (number > 1 and chance % 5 == 0)) % len(RANKS)]
        data = {**event["data"], "rank": rank, "points": (None, 0.5, 1, 2, 3, 5)[(chance // 7 + number // 2) % 6]}
        if rank != "story":
            # Without a team, the item belongs to what is above the teams. A few have no train either.
            data |= {"team": None, "train": trains[chance % len(trains)] if rank == "feature" and chance % 11 else None}
        yield {**event, "data": data}
