"""docs/api.md, written from routes, roles, limits and errors: `python -m services.gateway.reference`.

A test compares the file with what this says, so it cannot grow old.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from beistand.protocol.errors import ERRORS, BeistandError
from services.gateway import events, handlers
from services.gateway.access import LIMITS, ByTicket, Require, RequireForTicket
from services.gateway.accounts import TOKEN_LIFE
from services.gateway.domain import PERMISSIONS, SEE_ALL, Limit, Permission, Role
from services.gateway.problems import MethodNotAllowed
from services.gateway.state import TICKET_LIFE

ROUTES = (*handlers.public.routes, *handlers.router.routes, *events.router.routes)


def text() -> str:
    """The whole page."""
    parts = (
        "# API reference\n\nWritten by `python -m services.gateway.reference`; the full description is at "
        "`/v1/openapi.json` of a running gateway.\n",
        "## Operations\n",
        _table(("operation", "what", "who"), (_operation(route) for route in iter_route_contexts(ROUTES))),
        f"{_names(SEE_ALL)} see every session of their organisation, others their own. Nobody's role gives "
        "access to a customer's computer: that takes the customer's own yes.\n",
        "## Refusals\n",
        "Problem documents (RFC 9457), `type` = `urn:beistand:error:<code>`; on WebSockets the close code is "
        "4000 + status.\n",
        _table(("code", "status", "meaning"), _errors()),
        "## Limits\n",
        _table(("what", "limit"), _limits()),
    )
    return "\n".join(parts)


def _operation(route: RouteContext) -> tuple[str, ...]:
    method = "/".join(sorted(route.methods or {"WebSocket"}))
    sentence = str(getattr(route.endpoint, "__doc__", "")).strip().partition("\n")[0]
    return f"`{method} {route.path}`", sentence, _who(route)


def _who(route: RouteContext) -> str:
    rules = [part.call for part in _parts(route.dependant)]
    for rule in rules:
        if isinstance(rule, Require):
            return _roles(rule.permission)
        if isinstance(rule, RequireForTicket):
            return "; ".join(f"{name}: {_roles(needed)}" for name, needed in rule.permissions.items())
        if isinstance(rule, ByTicket):
            return f"ticket for `{rule.audience}`"
    return "everybody, limited"


def _parts(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for part in dependant.dependencies:
        yield from _parts(part)


def _roles(permission: Permission) -> str:
    allowed = [role for role in Role if permission in PERMISSIONS[role]]
    return "all roles" if len(allowed) == len(Role) else _names(allowed)


def _names(roles: Any) -> str:
    return ", ".join(role.value for role in Role if role in roles)


def _errors() -> Iterator[tuple[str, ...]]:
    kinds: list[type[BeistandError]] = [*ERRORS.values(), MethodNotAllowed]
    for error in sorted(kinds, key=lambda kind: (kind.status, kind.code)):
        yield f"`{error.code}`", str(error.status), error.title


def _limits() -> Iterator[tuple[str, ...]]:
    yield "failed joins per address (IPv6: /64)", _limit(LIMITS.join)
    yield "joins and tries of everybody", _limit(LIMITS.join_everywhere)
    yield "failed sign-ins per address and user name", _limit(LIMITS.sign_in)
    yield "failed sign-ins per address", _limit(LIMITS.sign_in_address)
    yield "receipts asked for by devices per address", _limit(LIMITS.receipt)
    yield "records of agents and devices per address (IPv6: /64) and gateway process", _limit(LIMITS.record)
    yield "life of a bearer token", f"{TOKEN_LIFE.total_seconds() / 3600:.0f} h"
    yield "life of a ticket", f"{TICKET_LIFE.total_seconds():.0f} s, single use"


def _limit(limit: Limit) -> str:
    return f"{limit.attempts} in {limit.window_s} s"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(text())
