"""`beistand conformance`: whether a running deployment keeps the laws, tried from outside."""

import argparse
import asyncio
import getpass
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from beistand.cli.main import fail
from beistand.conformance import runner
from beistand.conformance.case import Case
from beistand.conformance.laws import CASES, LAWS
from beistand.conformance.runner import Outcome, Result, Unreachable
from beistand.conformance.scene import Deployment
from beistand.conformance.technician import Account, NoEntry, NoGateway, origin_of, sign_in

PASSWORD = "BEISTAND_PASSWORD"  # noqa: S105 - names of variables, no passwords
SECOND_PASSWORD = "BEISTAND_SECOND_PASSWORD"  # noqa: S105


def run(arguments: Sequence[str]) -> None:
    """Run the cases, one line each; exit with 0 (all kept), 1 (not all, no way in) or 2 (wrong usage)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    cases = _chosen(parser, options)
    if options.list:
        for case in cases:
            print(f"law {case.law:<2}  {case.name:42}  {case.proves}{'  (slow)' if case.slow else ''}")
        return
    if not options.gateway or not options.user:
        parser.error("--gateway and --user are needed")
    # What a rogue device is told by the bus is the cases' business, not the reader's.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        results = asyncio.run(_run(options, cases))
    except (NoGateway, NoEntry, Unreachable) as reason:
        fail(str(reason))
    except KeyboardInterrupt:
        fail("stopped; the sessions that were open end by themselves", code=130)
    _write(options, results)
    print(_summary(results))
    sys.exit(0 if _all_kept(results) else 1)


async def _run(options: argparse.Namespace, cases: Sequence[Case]) -> list[Result]:
    deployment = await _deployment(options)
    print(f"{options.gateway} as {options.user}: {_cases(cases)}", flush=True)
    await runner.probe(deployment)
    results: list[Result] = []
    _announce(cases, results)
    async for result in runner.run(deployment, cases):
        results.append(result)
        for line in _lines(result, number=len(results), of=len(cases)):
            print(line, flush=True)
        _announce(cases, results)
    return results


async def _deployment(options: argparse.Namespace) -> Deployment:
    gateway = options.gateway.rstrip("/")
    account = await _signed_in(gateway, options.user, options.password_file, PASSWORD)
    second = None
    if options.second_user:
        second = await _signed_in(gateway, options.second_user, options.second_password_file, SECOND_PASSWORD)
    return Deployment(gateway, options.origin or origin_of(gateway), account, second)


async def _signed_in(gateway: str, user: str, file: Path | None, variable: str) -> Account:
    return await sign_in(gateway, user, _password(user, file, variable))


def _password(user: str, file: Path | None, variable: str) -> str:
    """From the file, else the variable, else whoever sits here."""
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeError) as error:
            fail(f"{file}: {getattr(error, 'strerror', None) or 'not a text'}", code=2)
    if variable in os.environ:
        return os.environ[variable]
    if not sys.stdin.isatty():
        fail(f"no password for {user}: name a file, or set {variable}", code=2)
    return getpass.getpass(f"Password of {user}: ")


def _announce(cases: Sequence[Case], results: Sequence[Result]) -> None:
    """On a terminal, what is being tried right now; its result takes the line's place."""
    if sys.stdout.isatty() and len(results) < len(cases):
        case = cases[len(results)]
        print(f"[{len(results) + 1}/{len(cases)}] law {case.law}  ...  {case.name}", end="\r", flush=True)


def _lines(result: Result, *, number: int, of: int) -> list[str]:
    place = f"[{number:>{len(str(of))}}/{of}]"
    case, said = result.case, result.outcome.replace("_", " ")
    said = said if result.outcome in {Outcome.KEPT, Outcome.NOT_RUN} else said.upper()
    counted = ", ".join(f"{value} {name}" for name, value in result.figures.items())
    line = f"{place} law {case.law:<2}  {said:7}  {case.proves}{f'  [{counted}]' if counted else ''}"
    start = "\x1b[2K" if sys.stdout.isatty() else ""
    return [start + line, *([f"{'':{len(place) + 18}}{case.name}: {result.detail}"] if result.detail else [])]


def _summary(results: Sequence[Result]) -> str:
    count = Counter(result.outcome for result in results)
    parts = [f"{count[outcome]} {outcome.replace('_', ' ')}" for outcome in Outcome if count[outcome]]
    return f"\n{_cases(results)}: {', '.join(parts)}"


def _cases(things: Sequence[object]) -> str:
    return f"{len(things)} case{'' if len(things) == 1 else 's'}"


def _all_kept(results: Sequence[Result]) -> bool:
    outcomes = {result.outcome for result in results}
    return Outcome.KEPT in outcomes and not outcomes & {Outcome.BROKEN, Outcome.FAILED}


def _write(options: argparse.Namespace, results: Sequence[Result]) -> None:
    if options.json is None:
        return
    told = {
        "gateway": options.gateway,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "all_kept": _all_kept(results),
        "cases": [_told(result) for result in results],
    }
    try:
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{options.json}: {error.strerror}")


def _told(result: Result) -> dict[str, Any]:
    return {
        "law": result.case.law,
        "name": result.case.name,
        "proves": result.case.proves,
        "outcome": result.outcome.value,
        "seconds": round(result.seconds, 3),
        "detail": result.detail,
        "figures": result.figures,
    }


def _chosen(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Case]:
    """All cases, or those of the laws and names given; slow ones when named or asked for."""
    known = {case.name for case in CASES} | {str(number) for number, _, _ in LAWS}
    for wanted in options.case:
        if wanted not in known:
            parser.error(f"there is no law or case {wanted!r}; --list names all")
    return [case for case in CASES if _is_chosen(case, options)]


def _is_chosen(case: Case, options: argparse.Namespace) -> bool:
    if case.name in options.case:
        return True
    has_time = not case.slow or options.slow or options.list
    return has_time and (not options.case or str(case.law) in options.case)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="beistand conformance",
        description="Try from outside whether a running deployment keeps the laws: as a customer's device "
        "over NATS, and as a technician over HTTP and WebSocket. Opens sessions of its own and ends them. "
        "Exit code 0: all kept; 1: not all, or no way in; 2: wrong usage.",
        epilog="What it proves, and what it cannot: docs/conformance.md",
    )
    add = parser.add_argument
    add("--gateway", metavar="URL", help="address of the gateway, as technicians see it")
    add("--user", metavar="NAME", help="a technician's local account")
    add("--password-file", type=Path, metavar="FILE", help=f"else {PASSWORD}, else asked for")
    add("--second-user", metavar="NAME", help="a second account that sees all sessions (lead, admin)")
    add("--second-password-file", type=Path, metavar="FILE", help=f"else {SECOND_PASSWORD}, else asked for")
    add("--case", action="append", default=[], metavar="LAW", help="a law's number or a case; repeatable")
    add("--slow", action="store_true", help="also the cases that wait for minutes")
    add("--origin", metavar="ORIGIN", help="what the console's pages send (default: the gateway's)")
    add("--json", type=Path, metavar="FILE", help="write the results there, too")
    add("--list", action="store_true", help="name the cases, run nothing")
    return parser
