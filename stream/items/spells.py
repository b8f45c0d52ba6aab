"""The spells of an item: when it was in load, under which owner and in which backlog."""

from __future__ import annotations

from stream.items.summary import NO_SPELLS, UNASSIGNED, Owner, Spell

MAX_SPELLS = 100


class Spells:
    """The spells of one item up to an event; the newest `MAX_SPELLS` are given."""

    __slots__ = ("_backlog", "_begin", "_ended", "_forgotten", "_lasts", "_owner")

    def __init__(self) -> None:
        self._ended: list[Spell] = []
        self._forgotten = False
        # The spell that lasts, if there is one.
        self._lasts = False
        self._begin = 0
        self._owner = UNASSIGNED
        self._backlog: str | None = None

    def all(self) -> tuple[Spell, ...]:
        """Give the spells in order; only the last one may have no end."""
        if not self._lasts:
            return tuple(self._ended[-MAX_SPELLS:]) if self._ended else NO_SPELLS
        last = Spell(self._begin, None, self._owner, self._backlog)
        return (*self._ended[1 - MAX_SPELLS :], last) if self._ended else (last,)

    @property
    def are_cut(self) -> bool:
        """Whether there were more spells before these."""
        return self._forgotten or len(self._ended) + self._lasts > MAX_SPELLS

    def out_of_load(self, time: int) -> None:
        """End the spell that lasts, if there is one; a spell that begins and ends at one instant is none."""
        if self._lasts:
            self._lasts = False
            if self._begin < time:
                self._ended.append(Spell(self._begin, time, self._owner, self._backlog))
                if len(self._ended) > MAX_SPELLS:
                    del self._ended[0]
                    self._forgotten = True

    def in_load(self, time: int, owner: Owner, backlog: str | None) -> None:
        """Begin a spell, unless it lasts already under this owner and in this backlog."""
        if self._lasts:
            if (owner is self._owner or owner == self._owner) and backlog == self._backlog:
                return
            self.out_of_load(time)
        begin, last = time, self._ended[-1] if self._ended else None
        if last is not None and (last.end, last.owner, last.backlog) == (time, owner, backlog):
            # It was interrupted for no time at all.
            begin = last.begin
            self._ended.pop()
        self._lasts, self._begin, self._owner, self._backlog = True, begin, owner, backlog
