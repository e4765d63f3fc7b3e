"""`sudo beistand uninstall`: the key, the running agent, the start at sign-in, the state; then the package.

The person's files are handled with the person's own rights, never an administrator's: what lies in a home
directory may lead elsewhere.
"""

import argparse
import asyncio
import importlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from beistand.cli.main import fail

PACKAGE = "beistand-agent"
NO_RIGHTS = "nothing was changed: uninstalling needs an administrator's rights; run: sudo beistand uninstall"


def run(arguments: Sequence[str]) -> None:
    """Uninstall for the person who asked; exits with 0 (all gone), 1 (no rights, or not to its end)."""
    options = _parser().parse_args(arguments)
    if options.mine_only:
        _remove_mine(options)
        return
    if not _has_rights():
        fail(NO_RIGHTS)
    if sys.platform == "win32":
        _remove_mine(options)
        return
    # Started from the agent's menu, it outlives the agent, which it ends.
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    _as_person(person(os.environ), arguments)
    _remove_package()
    print("Beistand is uninstalled. Nobody gets in any more.")


def _has_rights() -> bool:
    if sys.platform == "win32":
        ctypes = importlib.import_module("ctypes")
        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.geteuid() == 0


def person(environment: Mapping[str, str]) -> int:
    """The user id of whoever asked through sudo or pkexec; root's own otherwise."""
    for name in ("PKEXEC_UID", "SUDO_UID"):
        if environment.get(name, "").isdecimal():
            return int(environment[name])
    return 0


def _as_person(uid: int, arguments: Sequence[str]) -> None:
    """This command once more, with the person's rights, home and groups."""
    pwd = importlib.import_module("pwd")
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        fail(f"nothing was changed: there is no user {uid}")
    kept = {} if uid else {k: v for k, v in os.environ.items() if k.startswith("XDG_")}
    home = {"HOME": os.environ.get("HOME", entry.pw_dir) if not uid else entry.pw_dir}
    environment = {"PATH": os.environ.get("PATH", os.defpath), "USER": entry.pw_name, **kept, **home}
    rights: dict[str, Any] = {}
    if uid:
        groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
        rights = {"user": uid, "group": entry.pw_gid, "extra_groups": groups, "cwd": "/"}
    command = [*_program(), "uninstall", "--mine-only", *arguments]
    result = subprocess.run(command, env=environment, check=False, **rights)  # noqa: S603 - ourselves again
    if result.returncode != 0:
        sys.exit(result.returncode)


def _program() -> tuple[str, ...]:
    found: tuple[str, ...] = importlib.import_module("agent.install.system").program()
    return found


def _remove_mine(options: argparse.Namespace) -> None:
    uninstall = importlib.import_module("agent.install.uninstall")
    system = importlib.import_module("agent.install.system")
    mine = uninstall.Belongings(
        state=options.state or importlib.import_module("agent.settings").default_state(),
        autostart=system.autostart(
            options.state or importlib.import_module("agent.settings").default_state()
        ),
        links=system.link_handler(),
        sign_withdrawal=lambda: None,
        forget_receipts=options.forget_receipts,
    )
    mine = _with_withdrawal(mine)
    try:
        done = uninstall.remove(mine)
    except uninstall.Unfinished as error:
        fail(f"{error}; what came before it is done. Run it again to complete it")
    if done.resumed:
        print("An earlier run had been cut off; it is completed.")
    if not _hand_over(mine.state):
        print("The service could not be told. It lets nobody in all the same: the key is destroyed.")
    uninstall.tidy(mine.state)
    for folder in uninstall.kept(mine.state):
        print(f"Kept, as it is yours: {folder}")


def _hand_over(state: Path) -> bool:
    """Bring the signed end to the gateway, if there is one and it can be reached; whether nothing waits."""
    store = importlib.import_module("agent.unattended.store").Store(state)
    if not store.waiting():
        return True
    delivery = importlib.import_module("agent.unattended.delivery")
    post = importlib.import_module("agent.unattended.post").post
    told = delivery.Delivery(store, post=post, line=lambda _: None)
    return bool(asyncio.run(told.hand_over()))


def _with_withdrawal(mine: Any) -> Any:
    """With the signed end of the permission, where this build has unattended access at all."""
    name = "agent.unattended.store"
    if importlib.util.find_spec("agent.unattended") is None:
        return mine
    store = importlib.import_module(name)
    reason = importlib.import_module("beistand.protocol.records").Why.UNINSTALLED
    replaced = importlib.import_module("dataclasses").replace
    return replaced(mine, sign_withdrawal=lambda: store.sign_withdrawal(mine.state, reason))


def _remove_package() -> None:
    """The package this program was installed by; sources are left where they are."""
    if not getattr(sys, "frozen", False):
        return
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", PACKAGE]
    try:
        status = subprocess.run(query, capture_output=True, text=True, check=False).stdout  # noqa: S603
    except OSError:
        return
    if status and status != "not-installed":
        purge = ["dpkg", "--purge", PACKAGE]
        result = subprocess.run(purge, capture_output=True, text=True, check=False)  # noqa: S603
        if result.returncode != 0:
            fail(f"access is gone; the program could not be removed: {result.stderr.strip()}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="beistand uninstall",
        description="Take back unattended access for good and remove Beistand from this machine. "
        "Receipts stay, and where they are is said.",
    )
    parser.add_argument("--state", type=Path, metavar="DIR", help="the agent's state, if not at its place")
    parser.add_argument("--forget-receipts", action="store_true", help="remove the receipts as well")
    parser.add_argument("--mine-only", action="store_true", help=argparse.SUPPRESS)
    return parser
