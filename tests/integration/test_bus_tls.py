"""With a CA configured nothing but that CA's server will do: no foreign certificate, no plaintext."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from beistand.bus import connection, keys
from beistand.bus.config import Certificate
from beistand.bus.connection import Watcher, connect, establish
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol.errors import Unavailable

pytestmark = pytest.mark.integration


def certificate(
    directory: Path, *, address: str = "127.0.0.1", ends: timedelta = timedelta(days=1)
) -> Certificate:
    """A self-signed certificate for an address, in files; it is its own CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nats")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + ends)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    directory.mkdir(exist_ok=True)
    files = Certificate(str(directory / "tls.crt"), str(directory / "tls.key"))
    Path(files.certificate).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    Path(files.key).write_bytes(private)
    return files


async def outcome(settings: BusSettings) -> str:
    """'connected' or 'refused', without the half minute that a starting service waits."""
    watcher = Watcher("gateway-control")
    try:
        await establish(
            watcher,
            settings.nats_urls,
            patience=2,
            nkeys_seed_str=keys.read_text(settings.keys, keys.nats_seed("gateway")),
            max_reconnect_attempts=-1,
            **connection._tls(settings),
        )
    except Unavailable:
        return "refused"
    await watcher.client.close()
    return "connected"


async def test_services_talk_tls_to_the_right_server_only(tmp_path: Path, keys: Path) -> None:
    good, other = certificate(tmp_path / "good"), certificate(tmp_path / "other")
    async with EmbeddedServer(tmp_path / "nats", keys, tls=good) as server:
        right = BusSettings(nats_url=server.url, nats_ca=Path(good.certificate), keys=keys)
        client = await connect(right, "gateway")
        await client.flush()
        await client.close()
        wrong = right.model_copy(update={"nats_ca": Path(other.certificate)})
        plain = right.model_copy(update={"nats_ca": None})
        assert await outcome(wrong) == "refused"
        assert await outcome(plain) == "refused"


async def test_a_certificate_of_another_host_is_refused(tmp_path: Path, keys: Path) -> None:
    elsewhere = certificate(tmp_path / "elsewhere", address="192.0.2.1")
    async with EmbeddedServer(tmp_path / "nats", keys, tls=elsewhere) as server:
        settings = BusSettings(nats_url=server.url, nats_ca=Path(elsewhere.certificate), keys=keys)
        assert await outcome(settings) == "refused"


async def test_an_expired_certificate_is_refused(tmp_path: Path, keys: Path) -> None:
    expired = certificate(tmp_path / "expired", ends=-timedelta(minutes=1))
    async with EmbeddedServer(tmp_path / "nats", keys, tls=expired) as server:
        settings = BusSettings(nats_url=server.url, nats_ca=Path(expired.certificate), keys=keys)
        assert await outcome(settings) == "refused"


async def test_a_server_without_tls_is_refused(
    nats_server: EmbeddedServer, tmp_path: Path, keys: Path
) -> None:
    """Threat 29: nats-py alone would talk plaintext to it, and send its credentials."""
    ca = certificate(tmp_path / "ca")
    for url in (nats_server.url, nats_server.url.replace("nats://", "tls://")):
        settings = BusSettings(nats_url=url, nats_ca=Path(ca.certificate), keys=keys)
        assert await outcome(settings) == "refused"
