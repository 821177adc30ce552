"""Faults that the launcher survives, and its messages for the others."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from insula.dev.embedded import Cluster, EmbeddedError
from insula.dev.embedded.account import Account
from insula.dev.embedded.home import locate
from tests.dev.directories import alive, descendants, environment, wait_until

HOLD = """
import signal, sys
from pathlib import Path
from insula.dev.embedded import Cluster
cluster = Cluster(Path(sys.argv[1]), durable=False)
cluster.start()
print(cluster.database_url, flush=True)
signal.pause()
"""
AS_NOBODY = """
import os, sys
from pathlib import Path
from insula.dev.embedded import Cluster, EmbeddedError
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
cluster = Cluster(Path(sys.argv[1]), durable=False)
try:
    cluster.start()
except EmbeddedError as error:
    print(error)
cluster.stop()
"""
SOURCE = Path(__file__).parents[2] / "platform"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as somebody else")


@pytest.fixture
def cluster(directory: Path) -> Cluster:
    cluster = Cluster(directory / "data", durable=False)
    cluster.start()
    cluster.stop()
    return cluster


def test_servers_die_with_a_killed_parent(directory: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(directory / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603  our own script
        assert parent.stdout is not None
        assert parent.stdout.readline().startswith("postgresql://")
        servers = descendants(parent.pid)
        assert len(alive(servers)) >= 2
        parent.kill()
    wait_until(lambda: not alive(servers))
    again = Cluster(directory / "data", durable=False)
    again.start()
    again.stop()


def test_a_second_start_keeps_data_and_secrets(cluster: Cluster, directory: Path) -> None:
    identity = (directory / "data" / "postgres" / "global" / "pg_control").read_bytes()[:8]
    secrets = cluster.secrets
    cluster.start()
    try:
        assert cluster.secrets == secrets
        assert (directory / "data" / "postgres" / "global" / "pg_control").read_bytes()[:8] == identity
    finally:
        cluster.stop()


def test_a_second_cluster_in_the_same_directory_is_refused(cluster: Cluster, directory: Path) -> None:
    cluster.start()
    try:
        with pytest.raises(EmbeddedError, match=f"is in use by process {os.getpid()}"):
            Cluster(directory / "data", durable=False).start()
    finally:
        cluster.stop()


@pytest.mark.parametrize("lost", ["PG_VERSION", "global/pg_control"])
def test_a_broken_data_directory_is_reported_and_no_process_remains(
    cluster: Cluster, directory: Path, lost: str
) -> None:
    (directory / "data" / "postgres" / lost).unlink()
    with pytest.raises(EmbeddedError) as raised:
        cluster.start()
    assert "\n" not in str(raised.value)
    assert str(directory / "data") in str(raised.value)
    assert not [pid for pid in descendants(os.getpid()) if _works_in(pid, directory)]
    with pytest.raises(EmbeddedError, match=str(directory)):  # the same again: the lock was released
        cluster.start()


def test_lost_secrets_are_not_replaced(cluster: Cluster, directory: Path) -> None:
    (directory / "data" / "secrets.json").unlink()
    with pytest.raises(EmbeddedError, match=r"secrets\.json is missing"):
        cluster.start()
    assert not (directory / "data" / "secrets.json").exists()


def test_the_lock_file_of_a_crashed_server_is_removed(cluster: Cluster, directory: Path) -> None:
    (directory / "data" / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{directory}\n")
    cluster.start()
    cluster.stop()


def test_a_partially_created_database_is_created_again(directory: Path) -> None:
    (directory / "data" / "postgres.partial").mkdir(parents=True)
    (directory / "data" / "postgres.partial" / "PG_VERSION").write_text("18\n")
    cluster = Cluster(directory / "data", durable=False)
    cluster.start()
    cluster.stop()


def test_a_missing_write_permission_is_reported(directory: Path) -> None:
    directory.chmod(0o555)
    command = [sys.executable, "-c", AS_NOBODY, str(directory / "data")]
    done = subprocess.run(command, env=environment(directory), capture_output=True, text=True, check=False)  # noqa: S603  our own script
    cure = "let your user read and write that folder, or let INSULA_DATA_DIR name a folder of your own"
    assert done.stdout == f"cannot write to {directory / 'data'}: Permission denied: {cure}\n", done.stderr
    assert list(directory.iterdir()) == []


@root_only
def test_an_ordinary_user_runs_the_servers_under_its_own_account(directory: Path) -> None:
    nobody = Account.for_servers()
    packages = Path(sysconfig.get_path("purelib"))
    interpreters = [
        path for path in (Path(sys.executable).resolve(), Path("/usr/bin/python3").resolve()) if path.exists()
    ]
    python = next((path for path in interpreters if nobody.reads(path) and nobody.reads(packages)), None)
    if python is None:
        pytest.skip("no Python here that an ordinary user can reach")
    directory.chmod(0o777)
    command = [str(python), "-c", AS_NOBODY, str(directory / "data")]
    paths = {"PYTHONPATH": f"{SOURCE}:{packages}"}
    done = subprocess.run(command, env=paths, capture_output=True, text=True, check=False)  # noqa: S603  our own script
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (directory / "data" / "postgres" / "PG_VERSION").stat().st_uid == nobody.uid
    assert (directory / "data").stat().st_mode & 0o777 == 0o700


@root_only
def test_root_runs_the_servers_as_nobody_without_roots_groups(cluster: Cluster, directory: Path) -> None:
    cluster.start()
    try:
        postmaster = int((directory / "data" / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{postmaster}/status").read_text().splitlines() if ":" in line
        )
        nobody = str(Account.for_servers().uid)
        assert status["Uid"].split() == [nobody] * 4
        assert status["Groups"].split() in ([], [str(Account.for_servers().gid)])
    finally:
        cluster.stop()


@root_only
def test_the_servers_use_another_directory_if_nobody_cannot_reach_theirs(directory: Path) -> None:
    directory.chmod(0o700)
    home = locate(directory / "data")
    cluster = Cluster(directory / "data", durable=False)
    try:
        cluster.start()
        cluster.stop()
        assert cluster.home == home != directory / "data"
        assert (directory / "data" / "servers").readlink() == home
    finally:
        shutil.rmtree(home)


def _works_in(pid: int, directory: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(directory)
    except OSError:
        return False
