"""What /proc says is read as it is meant."""

import os

import pytest

from bench import processes
from bench.processes import HEAP, OTHER, Usage, kibibytes, sums

pytestmark = pytest.mark.unit

SMAPS = """\
00400000-00401000 r-xp 00000000 08:01 131 /usr/bin/python3.11
Size:                  4 kB
Rss:                2048 kB
VmFlags: rd ex mr mw me sd
7f0000000000-7f0000100000 r-xp 00000000 08:01 7 /venv/site-packages/PySide6/lib/libQt6Gui.so.6
Rss:                3072 kB
7f1000000000-7f1000100000 r-xp 00000000 08:01 8 /venv/site-packages/av/video.so
Rss:                1024 kB
7f2000000000-7f2000100000 rw-p 00000000 00:00 0
Rss:                4096 kB
7f3000000000-7f3000100000 rw-p 00000000 00:00 0 [heap]
Rss:                1024 kB
7f4000000000-7f4000100000 r--s 00000000 08:01 9 /memfd:pulse file with spaces
Rss:                 512 kB
7f5000000000-7f5000100000 r-xp 00000000 08:01 9 /lib/nothing.so
Rss:                   0 kB
"""


def test_memory_is_told_by_what_it_is_largest_first() -> None:
    assert sums(SMAPS.splitlines()) == {
        HEAP: 5.0,
        "Qt": 3.0,
        "Python": 2.0,
        "pictures (av, numpy)": 1.0,
        OTHER: 0.5,
    }


def test_sizes_are_read_by_name_and_other_lines_left_alone() -> None:
    lines = ["55 - [rollup]", "Rss:     1200 kB", "Private_Dirty:   7 kB", "VmFlags: rd ex", ""]
    assert kibibytes(lines) == {"Rss": 1200, "Private_Dirty": 7}


def test_this_process_is_measured() -> None:
    first = processes.usage(os.getpid())
    sum(range(200_000))
    second = processes.usage(os.getpid())
    assert 0 < first.own <= first.resident
    assert second.cpu_s >= first.cpu_s
    assert sum(processes.resident_by_kind(os.getpid()).values()) > 10


def test_the_share_of_a_core_is_over_the_time_that_passed() -> None:
    assert Usage(10.5, 1, 1, 1).since(Usage(10.0, 1, 1, 1), seconds=50) == 1.0
