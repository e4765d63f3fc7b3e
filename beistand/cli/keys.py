"""`beistand keys DIR`: the keys of an installation, and the nats-server configuration that trusts them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from beistand.bus.config import Certificate, ServerOptions, server_config
from beistand.bus.keys import ensure_keys
from beistand.bus.settings import SettingsError
from beistand.cli.kubernetes import manifest
from beistand.cli.main import fail


def run(arguments: Sequence[str]) -> None:
    """Make what is missing, overwrite nothing but the configuration file."""
    options = _parser().parse_args(arguments)
    try:
        ensure_keys(options.directory)
        if options.nats_config:
            text = server_config(_server(options), options.directory)
            options.nats_config.write_text(text, encoding="utf-8")
        if options.kubernetes:
            print(manifest(options.directory, namespace=options.namespace))
            return
    except (SettingsError, OSError) as error:
        fail(str(error))
    print(f"keys: {options.directory}")
    if options.nats_config:
        print(f"nats-server configuration: {options.nats_config}")


def _server(options: argparse.Namespace) -> ServerOptions:
    return ServerOptions(
        store=options.store,
        host=options.host,
        port=options.port,
        monitor_port=options.monitor_port,
        websocket_port=options.websocket_port,
        tls=Certificate(*options.tls) if options.tls else None,
        websocket_tls=Certificate(*options.websocket_tls) if options.websocket_tls else None,
        include=tuple(options.include),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="beistand keys", description="Make whatever key is missing in DIR; existing ones stay."
    )
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "--kubernetes", action="store_true", help="print everything as Secrets for kubectl apply -f -"
    )
    parser.add_argument("--namespace", default="beistand", help="of these Secrets (default beistand)")
    server = parser.add_argument_group("configuration for nats-server, with paths as the server sees them")
    server.add_argument("--nats-config", type=Path, metavar="FILE", help="write it to this file")
    server.add_argument("--store", default="/data", metavar="DIR", help="JetStream's files (default /data)")
    server.add_argument("--host", default="0.0.0.0", help="address to listen on (default all)")  # noqa: S104
    server.add_argument("--port", type=int, default=4222)
    server.add_argument("--monitor-port", type=int, help="HTTP port for health probes")
    server.add_argument("--websocket-port", type=int, help="port for agents that come by wss://")
    pair = ("CERTIFICATE", "KEY")
    server.add_argument("--tls", nargs=2, metavar=pair, help="TLS for the client port, handshake first")
    server.add_argument("--websocket-tls", nargs=2, metavar=pair, help="TLS for the WebSocket port")
    server.add_argument(
        "--include", action="append", default=[], metavar="FILE", help="another file, such as a cluster block"
    )
    return parser
