"""Roads between the parts: parcels wait, overtake each other, get lost or doubled; roads break or freeze."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

TRANSIT_S = 2.0
"""No parcel is on its way for longer: what a frozen road holds back for longer is lost."""
EPSILON = 1e-9


@dataclass(eq=False)
class Parcel:
    """Something on its way over one or two roads."""

    what: str
    roads: tuple[str, ...]
    sent_at: float
    deliver: Callable[[], None]


@dataclass
class Network:
    """Which parcels are on their way, and which roads are `cut` (told at once) or `frozen` (not told)."""

    reached: Counter[str]
    under_way: list[Parcel] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)

    def send(self, parcel: Parcel) -> None:
        if self.cut.isdisjoint(parcel.roads):
            self.under_way.append(parcel)
        else:
            self.reached["lost on a broken road"] += 1

    def break_road(self, road: str) -> None:
        self.cut.add(road)
        self.frozen.discard(road)
        self.under_way = [parcel for parcel in self.under_way if road not in parcel.roads]

    def mend(self, road: str) -> None:
        self.cut.discard(road)
        self.frozen.discard(road)

    def ready(self) -> list[Parcel]:
        """What can arrive now, oldest first."""
        return [parcel for parcel in self.under_way if self.frozen.isdisjoint(parcel.roads)]

    def deliver(self, parcel: Parcel) -> None:
        if parcel is not self.under_way[0]:
            self.reached["overtaken"] += 1
        self.under_way.remove(parcel)
        parcel.deliver()

    def lose(self, parcel: Parcel) -> None:
        self.reached["lost"] += 1
        self.under_way.remove(parcel)

    def double(self, parcel: Parcel) -> None:
        self.reached["doubled"] += 1
        self.under_way.append(Parcel(parcel.what, parcel.roads, parcel.sent_at, parcel.deliver))

    def next_due(self) -> float | None:
        """When the oldest parcel must have arrived."""
        return min((parcel.sent_at + TRANSIT_S for parcel in self.under_way), default=None)

    def age(self, now: float) -> None:
        """Whatever was long enough on its way arrives, or is lost on a frozen road."""
        for parcel in [parcel for parcel in self.under_way if parcel.sent_at + TRANSIT_S <= now + EPSILON]:
            if parcel not in self.under_way:
                continue
            if self.frozen.isdisjoint(parcel.roads):
                self.deliver(parcel)
            else:
                self.lose(parcel)
