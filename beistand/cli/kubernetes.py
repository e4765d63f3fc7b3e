"""The keys of an installation as Kubernetes Secrets: each service gets those it needs and no other."""

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

from beistand.bus.config import ServerOptions, server_config
from beistand.bus.keys import (
    CALLOUT_SEED,
    CONSENT_PUBLIC,
    CONSENT_SEED,
    SYSTEM_SEED,
    TOKEN_KEY,
    nats_seed,
    read_text,
)

NEEDED = MappingProxyType(
    {
        "gateway": (nats_seed("gateway"), TOKEN_KEY),
        "session": (nats_seed("session"), SYSTEM_SEED, CALLOUT_SEED, CONSENT_PUBLIC),
        "consent": (nats_seed("consent"), CONSENT_SEED),
        "relay": (nats_seed("relay"), CONSENT_PUBLIC),
    }
)
"""Key files by service."""
SERVER = ServerOptions(store="/data", host="0.0.0.0", monitor_port=8222, websocket_port=8443)  # noqa: S104


def manifest(directory: Path, *, namespace: str) -> str:
    """A List of Secrets as JSON, for `kubectl apply -f -`: `beistand-keys-<service>` and `beistand-nats`."""
    contents = {
        f"beistand-keys-{service}": {name: read_text(directory, name) for name in names}
        for service, names in NEEDED.items()
    }
    contents["beistand-nats"] = {"nats.conf": server_config(SERVER, directory)}
    items = [_secret(name, namespace, content) for name, content in contents.items()]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2)


def _secret(name: str, namespace: str, content: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/part-of": "beistand"},
        },
        "type": "Opaque",
        "stringData": content,
    }
