"""Local accounts: `python -m services.gateway.users add NAME --display ... --role ... --password-stdin`.

Uses the gateway's own identity and bucket. The password comes on standard input, never in the command line.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from beistand.bus.connection import connect
from beistand.bus.settings import BusSettings, SettingsError
from beistand.bus.store import Bucket, Conflict, Store
from beistand.protocol.errors import BeistandError, InvalidMessage, NotFound
from beistand.protocol.ids import OrgId, id_from
from beistand.runtime import explain
from services.gateway.accounts import Account, Passwords, user_name
from services.gateway.domain import Role


class Settings(BusSettings):
    """The bus, and `BEISTAND_ORG`: the organisation that accounts belong to."""

    org: OrgId = "beistand"


async def put(
    store: Store[Account], passwords: Passwords, wanted: Account, password: str
) -> tuple[Account, bool]:
    """Create the account, or give the one of that name this name, role, organisation and password.

    The second part says whether it is new. Putting the same again changes nothing and signs nobody out.
    """
    stored = await store.get(wanted.user)
    if stored is None:
        account = _edited(wanted, password_hash=await passwords.hashed(password))
        await store.create(wanted.user, account)
        return account, True
    before = stored.value
    account = _edited(before, name=wanted.name, org=wanted.org, role=wanted.role)
    if not await passwords.is_right(before.password_hash, password):
        hashed = await passwords.hashed(password)
        account = _edited(account, password_hash=hashed, generation=before.generation + 1)
    if account != before:
        await store.update(wanted.user, account, revision=stored.revision)
    return account, False


async def remove(store: Store[Account], user: str) -> None:
    """Remove an account; its tokens are no longer good. NotFound if there is none."""
    stored = await store.get(user)
    if stored is None:
        raise NotFound(f"There is no account {user}.")
    await store.delete(user, revision=stored.revision)


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line, understood."""
    parser = argparse.ArgumentParser(prog="python -m services.gateway.users", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="create an account, or change the one of that name")
    add.add_argument("user")
    add.add_argument("--display", required=True, help="the name that customers see")
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument(
        "--password-stdin", required=True, action="store_true", help="read the password from stdin"
    )
    gone = commands.add_parser("remove", help="remove an account and end its sign-ins")
    gone.add_argument("user")
    return parser.parse_args(argv)


async def run(command: argparse.Namespace, settings: Settings, password: str, *, now: datetime) -> str:
    """Do it; one line about what was done."""
    user = user_name(command.user)
    client = await connect(settings, "gateway", purpose="users")
    try:
        store = await Store.open(client, Bucket.USERS, Account)
        if command.command == "remove":
            await remove(store, user)
            return f"removed {user}"
        wanted = _wanted(user, command, settings, now=now)
        account, is_new = await put(store, Passwords(), wanted, password)
    finally:
        await client.close()
    return f"{'added' if is_new else 'updated'} {account.user} ({account.role}, {account.org})"


def main(argv: Sequence[str] | None = None) -> None:
    """Exit 0 with a line about what was done, or 1 or 2 with one about what is wrong."""
    command = arguments(sys.argv[1:] if argv is None else argv)
    password = sys.stdin.readline().rstrip("\r\n") if command.command == "add" else ""
    try:
        done = asyncio.run(run(command, Settings(), password, now=datetime.now(UTC)))
    except Conflict:
        sys.exit("somebody else changed this account just now; try again")
    except (SettingsError, ValidationError) as error:
        sys.stderr.write(explain(error) + "\n")
        sys.exit(2)
    except BeistandError as error:
        sys.exit(error.detail)
    sys.stdout.write(done + "\n")


def _wanted(user: str, command: argparse.Namespace, settings: Settings, *, now: datetime) -> Account:
    try:
        return Account(
            user=user,
            technician_id=id_from(secrets.token_bytes(16)),
            name=command.display,
            org=settings.org,
            role=Role(command.role),
            password_hash="",
            created_at=now,
        )
    except ValidationError:
        raise InvalidMessage("The display name has 1 to 120 characters.") from None


def _edited(account: Account, **changes: object) -> Account:
    return Account.model_validate({**account.model_dump(), **changes})


if __name__ == "__main__":
    main()
