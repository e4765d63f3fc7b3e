"""The nats-server configuration: accounts, identities, limits; for the embedded server and Kubernetes."""

import json
from dataclasses import dataclass
from pathlib import Path

from beistand.bus import keys
from beistand.bus.permissions import (
    ACCOUNT,
    SERVICE_PERMISSIONS,
    SYSTEM_ACCOUNT,
    SYSTEM_PERMISSIONS,
    Permissions,
)

MAX_PAYLOAD = 1024 * 1024
"""Bytes; frames are chunked to less than half of it."""


@dataclass(frozen=True)
class Certificate:
    """Files of a TLS certificate and its key, as the server sees them."""

    certificate: str
    key: str


@dataclass(frozen=True)
class ServerOptions:
    """Where the server listens and stores. Paths are those of the machine the server runs on."""

    store: str
    host: str = "127.0.0.1"
    port: int = 4222
    """-1 lets the operating system choose."""
    log_file: str = ""
    monitor_port: int | None = None
    websocket_port: int | None = None
    tls: Certificate | None = None
    websocket_tls: Certificate | None = None
    include: tuple[str, ...] = ()
    """More configuration files, such as a cluster block."""


def server_config(options: ServerOptions, keys_directory: Path) -> str:
    """The text of the configuration file: public keys only, no secret. SettingsError for a bad key file."""
    public = {
        service: keys.public_nkey(keys_directory, keys.nats_seed(service)) for service in SERVICE_PERMISSIONS
    }
    system = keys.public_nkey(keys_directory, keys.SYSTEM_SEED)
    issuer = keys.public_nkey(keys_directory, keys.CALLOUT_SEED)
    users = [_user(public[service], allowed) for service, allowed in SERVICE_PERMISSIONS.items()]
    parts = [
        _server(options),
        _accounts(users, _user(system, SYSTEM_PERMISSIONS)),
        _authorization(issuer, [*public.values(), system]),
        *_listeners(options),
        *(f"include {json.dumps(path)}" for path in options.include),
    ]
    return "\n".join(parts) + "\n"


def _server(options: ServerOptions) -> str:
    lines = [
        "# Made by `beistand keys`; contains public keys only.",
        f"host: {json.dumps(options.host)}",
        f"port: {options.port}",
        f"max_payload: {MAX_PAYLOAD}",
        'ping_interval: "10s"',
        "ping_max: 2",
        # A peer that does not read is cut instead of being buffered for.
        'write_deadline: "3s"',
        "max_pending: 16777216",
        "max_subscriptions: 4096",
        "max_control_line: 4096",
        f"jetstream {{ store_dir: {json.dumps(options.store)} }}",
    ]
    if options.log_file:
        lines += [
            f"log_file: {json.dumps(options.log_file)}",
            "log_size_limit: 16777216",
            "logfile_max_num: 3",
        ]
    if options.monitor_port is not None:
        lines.append(f"http: {json.dumps(f'{options.host}:{options.monitor_port}')}")
    return "\n".join(lines)


def _accounts(users: list[str], system_user: str) -> str:
    return f"""accounts {{
  {ACCOUNT} {{
    jetstream: enabled
    users = [
{chr(10).join(users)}
    ]
  }}
  {SYSTEM_ACCOUNT} {{
    users = [
{system_user}
    ]
  }}
}}
system_account: {SYSTEM_ACCOUNT}"""


def _authorization(issuer: str, identities: list[str]) -> str:
    # Whoever is not listed is asked about at the session service; no answer in time is a no.
    return f"""authorization {{
  timeout: 2
  auth_callout {{
    issuer: {issuer}
    account: {ACCOUNT}
    auth_users: {json.dumps(identities)}
  }}
}}"""


def _listeners(options: ServerOptions) -> list[str]:
    parts = []
    if options.tls:
        parts.append(f"tls {{ {_certificate(options.tls)}, handshake_first: true }}")
    if options.websocket_port is not None:
        # TLS is left to whatever stands in front only when no certificate is given.
        tls = f"tls {{ {_certificate(options.websocket_tls)} }}" if options.websocket_tls else "no_tls: true"
        parts.append(
            f"websocket {{ host: {json.dumps(options.host)}, port: {options.websocket_port}, {tls} }}"
        )
    return parts


def _certificate(files: Certificate) -> str:
    return f"cert_file: {json.dumps(files.certificate)}, key_file: {json.dumps(files.key)}"


def _user(nkey: str, allowed: Permissions) -> str:
    return f"""      {{
        nkey: {nkey}
        permissions {{
          publish: {{ allow: {json.dumps(allowed.publish)} }}
          subscribe: {{ allow: {json.dumps(allowed.subscribe)} }}
        }}
      }}"""
