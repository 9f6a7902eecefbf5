from __future__ import annotations

import base64
import contextlib
import http.client
import os
import signal
import ssl
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import wire
from infra.local.processes import child
from tests.local.running import RunningService, running_service
from tests.ports import free_port

_COUNTED = 2_500_000
"""Counting so far takes what idling may take in a second: about 3 % of a core that idling takes 1 % of."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service") / "home") as running:
        yield running


def _processes(service: RunningService) -> dict[str, int]:
    """Return the service's child processes by the end of their command lines."""
    found = {}
    for process_id in child.marked(str(service.home.resolve())):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            words = Path(f"/proc/{process_id}/cmdline").read_bytes().decode().split("\0")
            found[" ".join(words[2:4])] = process_id
    return found


def test_https_is_served_with_a_certificate_for_this_machine(service: RunningService) -> None:
    context = ssl.create_default_context(cafile=str(service.home / "certificate.pem"))
    for host in ("localhost", "127.0.0.1"):
        url = f"https://{host}:{service.tls_port}/health"
        with urllib.request.urlopen(url, context=context, timeout=60) as answer:
            assert answer.status == 200


def test_secrets_are_for_their_owner_only(service: RunningService) -> None:
    for name in ("certificate-key.pem", "internal-secret", "store-access-key", "owner"):
        assert stat.S_IMODE((service.home / name).stat().st_mode) == 0o600


def test_only_the_loopback_interface_is_listened_on(service: RunningService) -> None:
    listening = _listening(service)
    assert len(listening) == 5
    assert {address for address, _ in listening} == {"0100007F"}


_STRANGERS = {
    "nobody": {},
    "another key": {"Authorization": "AWS4-HMAC-SHA256 Credential=LOCAL0123456789/x"},
    "the beginning of keys": {"Authorization": "AWS4-HMAC-SHA256 Credential=LOCAL/x"},
    "an API key that is none": {"Authorization": "Basic YXBpa2V5OmEtc3RyYW5nZXI="},
}
_WISHES = [
    ("POST", "/", {"X-Amz-Target": "SageMaker.CreateTrainingJob"}),
    ("POST", "/", {"X-Amz-Target": "SageMaker.ListTrainingJobs"}),
    ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
    ("POST", "/", {"X-Amz-Target": "AmazonSQS.ListQueues"}),
    ("POST", "/2015-03-31/functions/attune-recognize/invocations", {}),
    ("GET", "/attune?list-type=2&X-Amz-Credential=LOCAL", {}),
    ("GET", "/v1/customizations", {}),
]


def test_every_port_refuses_strangers(service: RunningService) -> None:
    """Each port of each process, asked by those who know no key for all that any of them does."""
    for _, port in _listening(service):
        for stranger, credentials in _STRANGERS.items():
            for method, path, target in _WISHES:
                status = _asked(service, port, method, path, {**target, **credentials})
                assert status in (401, 403, 404, 405), (port, stranger, method, path, target, status)
                if port not in (service.port, service.tls_port):
                    assert status == 403, (port, stranger, method, path, target)


def test_internal_ports_answer_under_their_own_name_only(service: RunningService) -> None:
    """A page in a browser whose name was made to mean this machine asks under its own name, key or not."""
    key = (service.home / "store-access-key").read_text()
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={key}/", "X-Amz-Target": "SageMaker.ListTags"}
    for _, port in _listening(service):
        if port in (service.port, service.tls_port):
            continue
        for host in ("rebound.example", f"rebound.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", ""):
            assert _asked(service, port, "POST", "/", {**signed, "Host": host}) == 403, host
        assert _asked(service, port, "POST", "/", signed) != 403


def _asked(service: RunningService, port: int, method: str, path: str, headers: dict[str, str]) -> int:
    if port == service.tls_port:
        context = ssl.create_default_context(cafile=str(service.home / "certificate.pem"))
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", port, context=context, timeout=60
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, b"{}" if method == "POST" else None, headers)
        return connection.getresponse().status


def _listening(service: RunningService) -> list[tuple[str, int]]:
    """Return address and port of every socket on which a process of the service listens."""
    inodes = {
        target[8:-1]
        for process_id in (service.process.pid, *child.marked(str(service.home.resolve())))
        for target in _open_files(process_id)
        if target.startswith("socket:[")
    }
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, _, port = fields[1].rpartition(":")
                listening.append((address, int(port, 16)))
    return listening


def _open_files(process_id: int) -> Iterator[str]:
    """Yield what a process has open, without what it closes meanwhile; nothing when it has ended."""
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(descriptor.readlink())


def test_a_second_service_on_the_same_folder_is_refused(service: RunningService) -> None:
    second = _run(ATTUNE_HOME=str(service.home), PORT=str(free_port()))
    assert second.returncode == 1
    assert f"(process {service.process.pid}) is running on" in second.stderr
    assert "ATTUNE_HOME" in second.stderr


def test_it_can_be_stopped_before_it_is_ready(tmp_path: Path) -> None:
    (tmp_path / "home/store/journal").mkdir(parents=True)  # with which the store cannot start
    service = RunningService(tmp_path / "home")
    log = service.home / "service.log"
    until = time.monotonic() + 120
    while "is started again" not in log.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    assert service.stop()[0] == 0
    assert service.left_behind() == []
    assert "Traceback" not in log.read_text()


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with wire.listen() as taken:
        port = taken.getsockname()[1]
        refused = _run(ATTUNE_HOME=str(tmp_path), PORT=str(port))
    assert refused.returncode == 1
    assert f"Port {port} cannot be used" in refused.stderr
    assert "PORT=" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_port_that_is_no_number_is_explained(tmp_path: Path) -> None:
    refused = _run(ATTUNE_HOME=str(tmp_path), TLS_PORT="https")
    assert refused.returncode == 1
    assert (
        refused.stderr.strip() == "attune: TLS_PORT must be a port number between 1 and 65535, not 'https'."
    )


def _run(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.local"],
        env={**os.environ, **variables},
        cwd=child.ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_an_id_that_is_longer_than_any_key_is_unknown(service: RunningService) -> None:
    for length in (1024, 1025, 5000):
        for method in ("GET", "DELETE"):
            status, answer = service.call(method, f"/v1/recognitions/{'a' * length}")
            assert status == 404, answer
            assert "job not found" in answer["error"]


def _operator(service: RunningService, *command: str, home: Path | None = None) -> tuple[int, str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={**inherited, "ATTUNE_HOME": str(home or service.home)},
        cwd=child.ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_an_operators_commands_find_the_service_by_its_folder(
    service: RunningService, tmp_path: Path
) -> None:
    status, said, _ = _operator(service, "infra.keys", "make", "--label", "second")
    assert status == 0
    key = said.split()[1]
    assert "second" in _operator(service, "infra.keys", "list")[1]
    models = f"{service.url}/v1/models"
    request = urllib.request.Request(
        models, headers={"Authorization": "Basic " + base64.b64encode(f"apikey:{key}".encode()).decode()}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
    assert _operator(service, "infra.keys", "revoke", key)[0] == 0
    assert "second" not in _operator(service, "infra.keys", "list")[1]
    assert "hours of audio" in _operator(service, "infra.usage")[1]
    status, _, error = _operator(service, "infra.keys", "list", home=tmp_path)
    assert status == 1
    assert f"No service runs on {tmp_path}" in error
    assert "make run" in error
    assert list(tmp_path.iterdir()) == []


def test_a_short_key_is_refused_with_the_reason(tmp_path: Path) -> None:
    refused = _run(ATTUNE_HOME=str(tmp_path), PORT=str(free_port()), ATTUNE_API_KEY="secret")
    assert refused.returncode == 1
    assert "ATTUNE_API_KEY has 6 characters, but a key needs at least 32" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "part", ["infra.local.store.server", "infra.local.functions.event_workers", "infra.local.api.api_process"]
)
def test_a_part_that_dies_is_started_again(service: RunningService, part: str) -> None:
    def find() -> int | None:
        return next((pid for name, pid in _processes(service).items() if name.startswith(part)), None)

    # The event functions are started behind the gateway's back.
    until = time.monotonic() + 300
    while (former := find()) is None and time.monotonic() < until:
        time.sleep(0.05)
    assert former is not None
    os.kill(former, signal.SIGKILL)
    while find() in (former, None) and time.monotonic() < until:
        time.sleep(0.05)
    assert find() not in (former, None)
    status, models = service.call("GET", "/v1/models")
    assert status == 200
    assert models["models"]


def test_a_guard_that_was_killed_comes_back(service: RunningService) -> None:
    def guard() -> int | None:
        found = _processes(service)
        return next(
            (pid for name, pid in found.items() if name.startswith("infra.local.processes.guard")), None
        )

    former = guard()
    assert former is not None
    os.kill(former, signal.SIGKILL)
    until = time.monotonic() + 300
    while guard() in (former, None) and time.monotonic() < until:
        time.sleep(0.05)
    assert guard() not in (former, None)


def test_whoever_trusts_the_certificate_trusts_nothing_that_its_key_signs(service: RunningService) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(service.home / "certificate.pem")
    assert context.cert_store_stats() == {"x509": 1, "crl": 0, "x509_ca": 0}


def test_sigterm_ends_it_cleanly_and_leaves_nothing(tmp_path: Path) -> None:
    with running_service(tmp_path / "home") as service:
        status, took_s = service.stop()
        assert status == 0
        assert took_s < 30
        assert service.left_behind(timeout_s=0) == []
        said = (service.home / "service.log").read_text()
        assert "Traceback" not in said
        assert service.url in said
        assert "curl -u 'apikey:" in said


def test_it_idles(service: RunningService) -> None:
    """What every part together uses while nothing happens, in a second: less than counting so far would take."""
    until = time.monotonic() + 60  # the parts that were restarted have to come to rest
    while (share := _use_against_counting(service, over_s=4)) >= 1:
        assert time.monotonic() < until, f"{share:.1f} times as much as idling may take"


def _use_against_counting(service: RunningService, over_s: float) -> float:
    """Measure both at the same time: a slow machine is slow at either."""
    before_s, began_s = _cpu_s(service), time.monotonic()
    counting_s = []
    while time.monotonic() < began_s + over_s:
        time.sleep(over_s / 8)
        counting_began_s = time.thread_time()
        for _ in range(_COUNTED):
            pass
        counting_s.append(time.thread_time() - counting_began_s)
    now_s, took_s = _cpu_s(service), time.monotonic() - began_s
    used_s = sum(cpu_s - before_s.get(process_id, 0) for process_id, cpu_s in now_s.items())
    return used_s / took_s / (sum(counting_s) / len(counting_s))


def _cpu_s(service: RunningService) -> dict[int, float]:
    """Return what each of the service's processes has used since its start."""
    used_s = {}
    for process_id in (service.process.pid, *child.marked(str(service.home.resolve()))):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
            used_s[process_id] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used_s
