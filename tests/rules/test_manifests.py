"""The Kubernetes manifests render, are valid to the letter, and every pod is hardened, probed and limited."""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from beistand.bus.keys import ensure_keys
from beistand.cli.kubernetes import manifest

pytestmark = pytest.mark.rules

ROOT = Path(__file__).parents[2]
BASE = ROOT / "deploy" / "k8s" / "base"
SERVICES = {"gateway", "session", "consent", "relay"}


@cache
def rendered() -> tuple[dict[str, Any], ...]:
    kubectl = Path(sys.executable).parent / "kubectl"
    program = str(kubectl) if kubectl.exists() else shutil.which("kubectl") or "kubectl"
    output = subprocess.run([program, "kustomize", str(BASE)], capture_output=True, text=True, check=True)
    return tuple(yaml.safe_load_all(output.stdout))


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [resource for resource in rendered() if resource["kind"] in kinds]


def pods() -> list[tuple[str, dict[str, Any]]]:
    return [
        (workload["metadata"]["name"], workload["spec"]["template"]["spec"])
        for workload in of_kind("Deployment", "StatefulSet")
    ]


def test_every_resource_is_valid_against_the_strict_schema() -> None:
    for resource in rendered():
        kubernetes_validate.validate(resource, "1.37", strict=True)


def test_the_four_services_and_nats_are_there() -> None:
    assert {workload["metadata"]["name"] for workload in of_kind("Deployment")} == SERVICES
    assert {workload["metadata"]["name"] for workload in of_kind("StatefulSet")} == {"nats"}


@pytest.mark.parametrize(("name", "pod"), pods())
def test_every_pod_meets_the_restricted_standard(name: str, pod: dict[str, Any]) -> None:
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True, name
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
    assert pod["automountServiceAccountToken"] is False, name
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize(("name", "pod"), pods())
def test_every_container_is_probed_and_limited(name: str, pod: dict[str, Any]) -> None:
    for container in pod["containers"]:
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] in ports, (name, probe)
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory"}, name


def test_services_and_ingress_point_at_ports_that_exist() -> None:
    ports = {
        name: {port["name"] for container in pod["containers"] for port in container["ports"]}
        for name, pod in pods()
    }
    for service in of_kind("Service"):
        targets = {port["targetPort"] for port in service["spec"]["ports"]}
        assert targets <= ports[service["spec"]["selector"]["app.kubernetes.io/name"]]
    offered = {
        service["metadata"]["name"]: {port["name"] for port in service["spec"]["ports"]}
        for service in of_kind("Service")
    }
    for rule in of_kind("Ingress")[0]["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            assert backend["port"]["name"] in offered[backend["name"]]


def test_each_service_mounts_only_its_own_keys() -> None:
    for name, pod in pods():
        secrets = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
        expected = {"beistand-nats"} if name == "nats" else {f"beistand-keys-{name}"}
        assert secrets == expected


def test_the_keys_command_makes_exactly_the_secrets_that_are_mounted(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    made = json.loads(manifest(tmp_path, namespace="beistand"))["items"]
    mounted = {
        volume["secret"]["secretName"] for _, pod in pods() for volume in pod["volumes"] if "secret" in volume
    }
    assert {secret["metadata"]["name"] for secret in made} == mounted
    holders = [secret["metadata"]["name"] for secret in made if "consent.seed" in secret["stringData"]]
    assert holders == ["beistand-keys-consent"]
    for secret in made:
        kubernetes_validate.validate(secret, "1.37", strict=True)


def test_the_network_is_closed_unless_named() -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind("NetworkPolicy")}
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_dockerfile_builds_exactly_the_four_services() -> None:
    text = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    stages = {line.split(" AS image-")[1] for line in text.splitlines() if " AS image-" in line}
    assert stages == SERVICES
    assert "USER 10001:10001" in text
