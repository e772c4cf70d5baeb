"""postgres.py - a PostgreSQL server of a test's own, from Debian's packages: in a temporary folder, on a local socket (and a TCP
port, if one is wanted). It ends with the test, whatever way."""
import atexit
import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from zchat_test import DEADLINE, Failed, Skipped, check, wait_until

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
FREE = "local all locked scram-sha-256\nlocal all,replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


def _child():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


def programs():
    """The newest server there is."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise Skipped("there is no PostgreSQL server: scripts/dev setup installs one")
    return found[-1].parent


class Postgres:
    """A running server with an empty database. Root lends it to `nobody`, since it refuses root."""

    _empty = None  # what initdb made for the first of this process; the others get copies, which is much quicker

    def __init__(self, scene, port=None):
        self.bin = programs()
        self.user = "nobody" if os.geteuid() == 0 else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zchat-pg-"))
        self.port = port
        self.certificate = self.folder / "server.crt"
        self.process = None
        scene.at_end(self._end)
        if self.user is not None:
            shutil.chown(self.folder, self.user, pwd.getpwnam(self.user).pw_gid)
        self._make_data()
        self.start()

    def url(self, user="zchat", database="postgres"):
        return f"postgres://{user}@/{database}?host={self.folder}&port={self.port or 5432}"

    def start(self):
        args = [self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "shared_buffers=16MB",
                "-c", f"listen_addresses={'127.0.0.1' if self.port else ''}", "-p", self.port or 5432]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([str(arg) for arg in args], cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, preexec_fn=_child, **self._as_user())
        wait_until(self._answers, "the PostgreSQL server answers", 60)
        return self

    def take_over(self, other):
        """Go on with another one's data, as a standby does that has all of it."""
        shutil.rmtree(self.folder / "data")
        shutil.copytree(other.folder / "data", self.folder / "data", symlinks=True)
        (self.folder / "data/postmaster.pid").unlink(missing_ok=True)
        if self.user is not None:
            for path in [self.folder / "data", *(self.folder / "data").rglob("*")]:
                shutil.chown(path, self.user, pwd.getpwnam(self.user).pw_gid)
        return self.start()

    def _make_data(self):
        if Postgres._empty is None:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="zchat-pg-empty-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            if self.user is not None:
                shutil.chown(folder, self.user, pwd.getpwnam(self.user).pw_gid)
            done = self._run([self.bin / "initdb", "-D", folder / "data", "-A", "trust", "-U", "zchat", "-E", "UTF8", "--locale=C", "-N"])
            check(done.returncode == 0, f"initdb: {done.stderr}")
            Postgres._empty = folder / "data"
        done = self._run(["cp", "-a", Postgres._empty, self.folder / "data"])
        check(done.returncode == 0, f"cp: {done.stderr}")
        (self.folder / "data/pg_hba.conf").write_text(FREE)
        if self.port is not None:
            self._make_certificate()

    def _make_certificate(self):
        """For TLS on the port; it is its own authority."""
        done = self._run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                          "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / "data/server.key",
                          "-out", self.certificate])
        check(done.returncode == 0, f"openssl: {done.stderr}")
        with open(self.folder / "data/postgresql.auto.conf", "a", encoding="utf-8") as settings:
            settings.write(f"ssl = on\nssl_cert_file = '{self.certificate}'\n")

    def kill9(self):
        """All of its processes at once, as a machine that is gone."""
        pids = [self.process.pid] + self._children()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), "they are gone", 30)

    def say(self, sql):
        """Carry statements out; what they print, values alone."""
        done = self._run([self.bin / "psql", "-h", self.folder, "-p", self.port or 5432, "-U", "zchat", "-d", "postgres",
                          "-v", "ON_ERROR_STOP=1", "-qAtX", "-c", sql])
        check(done.returncode == 0, f"{sql}: {done.stderr}")
        return done.stdout.strip()

    def _answers(self):
        if self.process.poll() is not None:
            raise Failed("the server ended: " + (self.folder / "log").read_text()[-2000:])
        return self._run([self.bin / "pg_isready", "-q", "-h", self.folder, "-p", self.port or 5432]).returncode == 0

    def _children(self):
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == self.process.pid:
                found.append(int(stat.parent.name))
        return found

    def _as_user(self):
        return {} if self.user is None else {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}

    def _run(self, args):
        return subprocess.run([str(arg) for arg in args], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=DEADLINE, check=False, preexec_fn=_child, **self._as_user())

    def _end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(DEADLINE)
        shutil.rmtree(self.folder, ignore_errors=True)
