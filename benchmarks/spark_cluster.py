"""A real Apache Spark cluster on loopback: a master, two workers and a Spark Connect server, from PyPI's package.

``tools/setup.sh`` puts the package into ``.spark`` (SPARK_PACKAGE names another place); Java comes from Debian.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmarks.figure import Absent
from benchmarks.node import free_port

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
PATIENCE = 120  # seconds until each of them must answer


def spark_home() -> Path:
    """Where the package lies; raises Absent."""
    found = Path(os.environ.get("SPARK_PACKAGE") or ROOT / ".spark") / "pyspark"
    if not (found / "bin" / "spark-class").exists():
        raise Absent("Apache Spark: bash -c 'kind=dev; . tools/setup.sh; setup_spark'")
    if shutil.which("java") is None:
        raise Absent("Java: apt-get install openjdk-17-jre-headless")
    return found


@contextmanager
def spark_cluster(*, memory: str = "1g") -> Iterator[str]:
    """Start it, give the URL for XINQIAO_SPARK, end every process that was started. Raises Absent, RuntimeError."""
    home, master, connect = spark_home(), free_port(), free_port()
    address = f"spark://127.0.0.1:{master}"
    place = Path(tempfile.mkdtemp(prefix="xinqiao-spark-"))
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(place / "local"),
        "SPARK_WORKER_DIR": str(place / "work"),
        "SPARK_DAEMON_MEMORY": memory,  # the Connect server counts as a daemon
        "PYSPARK_PYTHON": "python3",
    }
    spark_class, submit = home / "bin" / "spark-class", home / "bin" / "spark-submit"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, place, ignore_errors=True)

        def start(name: str, *command: object) -> subprocess.Popen[bytes]:
            log = stack.enter_context((place / f"{name}.log").open("wb"))
            words = [str(word) for word in command]
            process = subprocess.Popen(
                words, env=environment, stdout=log, stderr=log, cwd=place, start_new_session=True
            )
            stack.callback(_end, process)
            return process

        deploy = "org.apache.spark.deploy"
        running = start("master", spark_class, f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", master,
                        "--webui-port", 0)  # fmt: skip
        _answers(master, running, place / "master.log")
        for number in range(WORKERS):
            start(f"worker-{number}", spark_class, f"{deploy}.worker.Worker", "--cores", 1, "--memory", memory,
                  "--host", "127.0.0.1", "--webui-port", 0, address)  # fmt: skip
        server = start(
            "connect", submit, "--master", address, "--name", "connect", "--driver-memory", memory,
            "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
            "--conf", f"spark.connect.grpc.binding.port={connect}", "--conf", "spark.driver.host=127.0.0.1",
            "--conf", "spark.ui.enabled=false", "--conf", f"spark.executor.memory={memory}",
            "--conf", "spark.executor.cores=1", "--conf", "spark.sql.shuffle.partitions=4", "spark-internal",
        )  # fmt: skip
        _answers(connect, server, place / "connect.log")
        _registered(place / "master.log")
        yield f"sc://127.0.0.1:{connect}"


def _answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"Spark did not start: {log.read_text(errors='replace')[-2000:]}")


def _registered(log: Path) -> None:
    """Wait until the master has taken in every worker."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if log.read_text(errors="replace").count("Registering worker") >= WORKERS:
            return
        time.sleep(0.2)
    raise RuntimeError(f"the workers did not register: {log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=15)
            return
