"""What the store acknowledged survives its SIGKILL even while an fsync is under way; the disk sees it each second."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from deploy.render import APPENDFSYNC
from deploy.stack import ROOT
from deploy.sync import PERIOD_S, Folder
from tests.consumer.house import until
from tests.servers import Server, binaries

PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000
WRITES = 500


def _stop_thread(pid: int, name: str) -> int:
    """Stop one thread of a process and leave the others running. Its id; `waitpid` it when the process is dead."""
    comms = {int(task.name): (task / "comm").read_text() for task in Path(f"/proc/{pid}/task").iterdir()}
    (thread,) = (id for id, comm in comms.items() if comm.startswith(name))
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        if ptrace(request, thread, None, None):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    os.waitpid(thread, WALL)
    return thread


def _kept(folder: Path, binary: str, appendfsync: str) -> int:
    """Writes kept of WRITES that were acknowledged while the disk was busy, after a SIGKILL."""
    server = Server(folder, binary, "--appendfsync", appendfsync).start()
    assert server.process
    pid = server.process.pid
    fsyncs = _stop_thread(pid, "bio_aof")  # the thread that does the server's own fsync
    with server.client() as client:
        if appendfsync == "everysec":
            until(lambda: client.incr("n") and client.info("persistence")["aof_pending_bio_fsync"] > 0)
        with client.pipeline(transaction=False) as many:  # at once: after two seconds a busy disk is not waited for
            for number in range(WRITES):
                many.set(f"write-{number}", "acknowledged")
            assert all(many.execute())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(fsyncs, WALL)
    server.kill()
    server.start()
    with server.client() as client:
        kept = sum(client.exists(f"write-{number}") for number in range(WRITES))
    server.kill()
    return kept


@pytest.mark.parametrize("make", sorted(binaries()))
def test_a_killed_store_keeps_what_it_acknowledged_though_the_disk_is_busy(tmp_path: Path, make: str) -> None:
    assert _kept(tmp_path / "ours", binaries()[make], APPENDFSYNC["everysec"]) == WRITES
    assert _kept(tmp_path / "theirs", binaries()[make], "everysec") == 0, "else this test shows nothing"


def test_only_what_changed_goes_to_the_disk(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    file = tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof"
    file.write_bytes(b"SET a 1\n")
    folder = Folder(tmp_path)
    assert set(folder.sync()) == {tmp_path, file.parent, file}
    assert folder.sync() == []
    with file.open("ab") as more:
        more.write(b"SET b 2\n")
    assert folder.sync() == [file]
    file.rename(file.with_name("appendonly.aof.2.base.rdb"))
    assert set(folder.sync()) == {file.parent, file.with_name("appendonly.aof.2.base.rdb")}
    file.with_name("appendonly.aof.2.base.rdb").unlink()
    assert folder.sync() == [file.parent]


@pytest.fixture
def program(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The program, for this test's folder."""
    command = [sys.executable, "-m", "deploy.sync", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as running:
        yield running
        running.kill()


def test_it_looks_again_and_a_disk_that_fails_is_an_error_line_and_the_end(
    program: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    (tmp_path / "appendonly.aof").write_bytes(b"SET a 1\n")
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(3 * PERIOD_S)
    (tmp_path / "broken").symlink_to("/dev/full")  # cannot be synced: the nearest to a broken disk that needs none
    _, said = program.communicate(timeout=60)
    line = msgspec.json.decode(said)
    assert program.returncode == 1
    assert (line["level"], line["event"], line["service"]) == ("error", "store.sync_failed", "sync")
    assert line["folder"] == str(tmp_path)
    assert "Invalid argument" in line["error"]


def test_it_stops_when_told(program: "subprocess.Popen[bytes]") -> None:
    status = Path(f"/proc/{program.pid}/status")
    until(lambda: int(status.read_text().partition("SigCgt:")[2].split()[0], 16) >> (signal.SIGTERM - 1) & 1)
    program.terminate()
    _, said = program.communicate(timeout=60)
    assert (program.returncode, said) == (0, b"")
