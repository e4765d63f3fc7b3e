"""What running processes cost, as Linux counts it: CPU time, memory, and what the memory is."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MIB = 1024
"""KiB in a MiB."""
MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+\s*(.*)$")
KINDS: Mapping[str, tuple[str, ...]] = {
    "Qt": (
        "PySide6",
        "shiboken",
        "libQt",
        "/icu",
        "libxcb",
        "libX11",
        "libxkb",
        "font",
        "libgl",
        "libgallium",
    ),
    "pictures (av, numpy)": ("/av/", "av.libs", "numpy", "libav", "libx264", "libvpx"),
    "cryptography, JSON, NATS, HTTP": (
        "cryptography",
        "nacl",
        "_cffi",
        "libssl",
        "libcrypto",
        "pydantic_core",
    ),
    "Python": ("python", "lib-dynload"),
}
"""A file belongs to the first kind one of whose words is in its path."""
HEAP, OTHER = "heap (objects of Python and Qt, stacks)", "other files"


@dataclass(frozen=True)
class Usage:
    """Up to now; memory in MiB: resident, and the part of it that no other process shares."""

    cpu_s: float
    resident: float
    own: float
    threads: int

    def since(self, before: "Usage", *, seconds: float) -> float:
        """Percent of one core that was used since `before`."""
        return round(100 * (self.cpu_s - before.cpu_s) / seconds, 2)


def usage(pid: int) -> Usage:
    """Of one process; OSError if it is gone."""
    where = Path(f"/proc/{pid}")
    # The name stands in parentheses and may hold anything; the counters come after it (proc(5)).
    counters = where.joinpath("stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    rollup = kibibytes(where.joinpath("smaps_rollup").read_text(encoding="utf-8").splitlines())
    own = rollup["Private_Clean"] + rollup["Private_Dirty"]
    cpu_s = (int(counters[11]) + int(counters[12])) / TICKS_PER_S
    return Usage(cpu_s, round(rollup["Rss"] / MIB, 1), round(own / MIB, 1), int(counters[17]))


def kibibytes(lines: Iterable[str]) -> dict[str, int]:
    """`Rss:  123 kB` and the like, by name."""
    words = (line.split() for line in lines)
    return {word[0].rstrip(":"): int(word[1]) for word in words if len(word) == 3 and word[2] == "kB"}


def resident_by_kind(pid: int) -> dict[str, float]:
    """What is resident in MiB, by what it is; largest first."""
    return sums(Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines())


def sums(smaps: Iterable[str]) -> dict[str, float]:
    """The same from the lines of /proc/<pid>/smaps."""
    found: dict[str, float] = {}
    kind = OTHER
    for line in smaps:
        if mapping := MAPPING.match(line):
            kind = _kind(mapping[1])
        elif line.startswith("Rss:"):
            found[kind] = found.get(kind, 0) + int(line.split()[1]) / MIB
    largest = sorted(found.items(), key=lambda pair: -pair[1])
    return {name: round(size, 1) for name, size in largest if round(size, 1) > 0}


def _kind(path: str) -> str:
    if not path.startswith("/"):
        return HEAP
    return next((kind for kind, words in KINDS.items() if any(word in path for word in words)), OTHER)
