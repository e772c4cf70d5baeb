"""two_databases.py - a primary and its synchronous standby on hosts of their own, each on a disk whose power can be cut, with a proxy
before each server (pg_proxy.py). [R-19]"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

from disk import Image
from three_networks import DATABASES
from postgres import Postgres
from zchat_test import Failed, check, wait_until

PORT, SERVER_PORT = 5432, 5433
IMAGE_MIB = 320
SETTINGS = {"shared_buffers": "16MB", "listen_addresses": "*", "port": SERVER_PORT, "wal_keep_size": "64MB", "max_wal_size": "64MB",
            "wal_retrieve_retry_interval": "200ms", "wal_sender_timeout": "10s", "wal_receiver_timeout": "10s",
            "wal_receiver_status_interval": "1s"}
ACCESS = ("local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
          "host replication all 198.18.3.0/24 trust\n")
SAID = re.compile(rb"([a-z]+\d) says (\d+)")
STANDBY = "standby"


class Proxy:
    """pg_proxy.py on a host."""

    def __init__(self, scene, network, host):
        program = pathlib.Path(__file__).with_name("pg_proxy.py")
        self.process = scene.start([*network.prefix(host), sys.executable, "-B", program, f"{network.address(host, 'database')}:{PORT}",
                                    f"127.0.0.1:{SERVER_PORT}"], f"proxy of {host}")
        self.process.wait_line("ready")

    def lose(self, what, client, pause_ms):
        """What is lost when that client's next commit comes: "answer" or "commit"."""
        self.process.write(f"{what} {client} {pause_ms}\n")

    def lost(self):
        """How many were."""
        return sum(line.startswith("lost ") for line in self.process.out)

    def forget(self):
        self.process.write("none\n")


class DatabaseHost(Postgres):
    """A machine with a disk of its own and a server, which may be down."""

    def __init__(self, scene, network, host, primary=None, settings=None):
        self.settings = {**SETTINGS, **(settings or {})}
        self.scene, self.network, self.host, self.proxy = scene, network, host, None
        self.source = primary  # whose copy it begins as
        self.image = Image(scene, IMAGE_MIB)
        self._lend_disk()
        super().__init__(scene, port=SERVER_PORT)

    def _lend_disk(self):
        """To the server's user."""
        self.image.folder.chmod(0o711)
        shutil.chown(self.image.mount, "nobody", "nogroup")

    @property
    def data(self):
        return self.image.mount / "data"

    def _make_data(self):
        if self.source is not None:
            return
        done = self._run([self.bin / "initdb", "-D", self.data, "-A", "trust", "-U", "zchat", "-E", "UTF8", "--locale=C", "-N",
                          "--wal-segsize=1"])
        check(done.returncode == 0, f"initdb: {done.stderr}")
        (self.data / "pg_hba.conf").write_text(ACCESS)
        self.sync()

    def sync(self):
        """What initdb and pg_basebackup wrote without waiting for each file."""
        subprocess.run(["sync", "-f", str(self.image.mount)], check=True)

    def start(self):
        if self.source is not None:
            self._copy(self.source)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        args = [*self.network.prefix(self.host), "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--pdeathsig=QUIT",
                self.bin / "postgres", "-D", self.data, "-k", self.folder]
        for key, value in self.settings.items():
            args += ["-c", f"{key}={value}"]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([str(arg) for arg in args], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, f"the server of {self.host} answers", 120)
        if self.proxy is None or not self.proxy.process.is_running():
            self.proxy = Proxy(self.scene, self.network, self.host)
        return self

    def _copy(self, primary):
        """Begin anew as that one's standby."""
        self.source = None
        shutil.rmtree(self.data, ignore_errors=True)
        done = self._run([self.bin / "pg_basebackup", "-h", primary.folder, "-p", SERVER_PORT, "-U", "zchat", "-D", self.data, "-R", "-X",
                          "stream", "-c", "fast", "-N"])
        check(done.returncode == 0, f"pg_basebackup: {done.stderr}")
        where = self.network.address(primary.host, "database")
        with open(self.data / "postgresql.auto.conf", "a", encoding="utf-8") as settings:
            settings.write(f"primary_conninfo = 'host={where} port={SERVER_PORT} user=zchat application_name={STANDBY} "
                           "connect_timeout=3'\n")
        self.sync()

    def stand_by(self, primary):
        """As a new standby of that one."""
        self.source = primary
        return self.start()

    def _run_quietly(self, sql):
        try:
            return self.say(sql)
        except (Failed, subprocess.TimeoutExpired):
            return ""

    def has_synchronous_standby(self):
        return self._run_quietly("SELECT sync_state FROM pg_stat_replication") == "sync"

    def want_standby(self, name):
        """Commits wait for that one; "": for none."""
        self.say(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        self.say("SELECT pg_reload_conf()")

    def promote(self):
        self.say("SELECT pg_promote()")
        self.want_standby("")

    def kill_all(self):
        """The proxy too: where there is no server, nobody takes connections."""
        self.kill9()
        self.proxy.process.kill9()

    def cut_power(self):
        """Nothing of it is heard any more, and only what was synced is on its disk from now on."""
        self.network.cut(self.host, "database")
        for pid in [self.process.pid] + self._children():
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                pass
        after = self.image.copy()
        self.kill_all()
        self.image.remove()
        self.image = after
        self._lend_disk()

    def said(self):
        """{(nick, number)} of all that stands in the log here."""
        wires = self.say("SELECT encode(wire, 'hex') FROM zchat.event")
        return {(match[0].decode(), int(match[1])) for line in wires.split() for match in SAID.findall(bytes.fromhex(line))}


class TwoDatabases:
    """Which of them is the primary, and what becomes of them."""

    def __init__(self, scene, network):
        self.network = network
        self.primary = DatabaseHost(scene, network, DATABASES[0])
        self.primary.say("CREATE ROLE chat LOGIN PASSWORD 'tea'; GRANT CREATE ON DATABASE postgres TO chat")
        self.other = DatabaseHost(scene, network, DATABASES[1], self.primary)
        self._wait_for_standby()

    def url(self):
        places = ",".join(f"{self.network.address(host, 'database')}:{PORT}" for host in DATABASES)
        return f"postgres://chat:tea@{places}/postgres?sslmode=disable"

    def rebuild(self):
        """A new standby behind the primary, which is waited for from then on."""
        self.network.heal(self.other.host, "database")
        self.other.stand_by(self.primary)
        self._wait_for_standby()

    def _wait_for_standby(self):
        self.primary.want_standby(STANDBY)
        self.wait_synchronous()

    def wait_synchronous(self):
        wait_until(self.primary.has_synchronous_standby, "the standby is synchronous", 120)

    def take_over(self):
        """The primary is gone: its standby is the primary now."""
        self.primary, self.other = self.other, self.primary
        self.primary.promote()

    def kill_primary(self):
        self.primary.kill_all()

    def reboot(self):
        """The primary's machine has power again."""
        self.primary.start()
        self.network.heal(self.primary.host, "database")

    def read_lost_primary(self):
        """What stands on the disk of the machine whose power was cut, while the other one has taken over."""
        lost = self.other
        lost.start()
        try:
            return lost.said()
        finally:
            lost.kill_all()

