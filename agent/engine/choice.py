"""Which encoder to use: pure. Knows what viewers decode, what encoding cost, and what the line carries.

`costs` are CPU seconds. Changing one's mind costs a key frame, so nothing here goes back and forth.
"""

from collections.abc import Collection, Iterable, Sequence

from agent.engine.encode import EncoderUnavailable, Kind, Line, Plan

NEEDS = {Kind.H264_444: "avc1.F40028", Kind.H264: "avc1.640028", Kind.VP9: "vp09.00.40.08", Kind.JPEG: "jpeg"}
"""What a viewer must say it decodes."""
UNKNOWN = frozenset({NEEDS[Kind.H264]})
"""What a viewer decodes that says nothing."""
DEAR_S = 0.02
"""A frame that costs so much leaves too little of a core for the person whose machine it is."""
PATIENCE = 10
"""So many dear frames in a row, and 4:4:4 is over for this show."""


class Choice:
    """The encoders of this build, best first, minus those that turned out not to work."""

    def __init__(self, kinds: Sequence[Kind], *, cores: int) -> None:
        """`cores`: of this machine; with less than four the finer colours are left to others, if any."""
        affordable = [kind for kind in kinds if kind is not Kind.H264_444 or cores >= 4]
        self._kinds = affordable or list(kinds)
        self._dear = 0

    def plan(self, viewers: Iterable[Collection[str]], line: Line) -> Plan:
        """For these viewers, each with what it decodes; EncoderUnavailable if no encoder is left."""
        if not self._kinds:
            raise EncoderUnavailable("No encoder is left.")
        known = [frozenset(codecs) or UNKNOWN for codecs in viewers]
        return Plan(max(self._kinds, key=lambda kind: self._weight(kind, known)), line)

    def failed(self, kind: Kind) -> None:
        """This one does not open here."""
        self._kinds.remove(kind)

    def took(self, kind: Kind, seconds: float) -> None:
        """A frame of this kind cost so much CPU time."""
        self._dear = self._dear + 1 if kind is Kind.H264_444 and seconds >= DEAR_S else 0
        if self._dear == PATIENCE and Kind.H264 in self._kinds:
            self._kinds.remove(kind)

    def _weight(self, kind: Kind, viewers: Sequence[Collection[str]]) -> tuple[int, int]:
        """First how many can decode it, then the order of the build."""
        return sum(NEEDS[kind] in codecs for codecs in viewers), -self._kinds.index(kind)
