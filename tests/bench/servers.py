"""servers.py - what is measured: our broker, the floors, and peers from Debian where they are installed.

Each is started in a folder of its own on free ports of 127.0.0.1, and says how it was configured. `load` is what
tests/bench/load has to know about it."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ZCHAT_BIN", ROOT / "build/release/bin"))
BENCH = BIN.parent / "tests/bench"
START_S = 20
LOAD_S = 120
# Not installed as a command everybody finds.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class Missing(Exception):
    """This peer is not installed here."""


class Broken(Exception):
    """It does not start, or the load cannot be carried."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One process. `name` stands in results; `kind` is the driver of the load."""

    name = kind = None
    is_durable = False
    packages = ()

    def __init__(self, scratch):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name.split()[0]}-", dir=scratch))
        self.process = None
        self.ports = ()
        self.key = "-"

    def command(self):
        raise NotImplementedError

    def configuration(self):
        """For people: how it was started, without paths that differ from run to run."""
        text = " ".join(str(part) for part in self.command())
        return text.replace(str(self.folder), "DIR").replace(str(BENCH) + "/", "").replace(str(BIN) + "/", "")

    def start(self, tries=3):
        command = [str(part) for part in self.command()]
        if shutil.which(command[0], path=PATH) is None:
            raise Missing(f"{self.name}: {command[0]} is not installed (scripts/dev bench --setup)")
        # stdin stays open: the floors end with it, also when this process is killed.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=open(self.folder / "out", "wb"),
                                        stderr=open(self.folder / "err", "wb"), cwd=self.folder,
                                        env={**os.environ, "PATH": PATH})
        end = time.monotonic() + START_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                said = (self.folder / "err").read_text(errors="replace") + (self.folder / "out").read_text(errors="replace")
                self.end()
                if tries > 1 and "in use" in said: # somebody was faster with this port
                    self.ports = ()
                    return self.start(tries - 1)
                raise Broken(f"{self.name} does not start: {said[-600:]}")
            time.sleep(0.02)
        return self

    def is_ready(self):
        try:
            with socket.create_connection(("127.0.0.1", self.ports[0]), 1):
                return True
        except OSError:
            return False

    def told(self):
        found = re.search(r"^ready (.*)$", (self.folder / "out").read_text(errors="replace"), re.M)
        return found.group(1) if found else None

    def load_arguments(self):
        return ["--driver", self.kind, "--talk", self.ports[0], "--hear", self.ports[-1], "--key", self.key,
                "--pid", self.process.pid]

    def stop(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
                try:
                    self.process.wait(20)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
            self.process.stdin.close()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *ignored):
        self.stop()


class Zchat(Server):
    """History, dedupe and receipts are on, as always. Limits on use are for strangers; here they would be all that is
    measured."""
    name, kind, is_durable = "zchat", "zchat", True
    flags = ()

    def command(self):
        limits = [f"--{name}=0" for name in ("account-rate", "room-rate", "account-rooms", "stranger-rate", "handshakes-per-address",
                                             "handshakes-per-key")]
        return [BIN / "zchat-broker", "--data", self.folder / "data", "--port", "0", "--log-level", "warn", *limits, *self.flags]

    def is_ready(self):
        told = self.told()
        if told is None:
            return False
        port = int(re.search(r":(\d+)(\?|$)", told).group(1))
        key = re.search(r"key=([0-9a-f]{64})", told)
        self.ports, self.key = (port, port + 1), key.group(1) if key else "-"
        return True


class ZchatPlain(Zchat):
    name, flags = "zchat plain", ("--insecure",)


class ZchatCurve(Zchat):
    name = "zchat curve"


class ZchatOneIo(ZchatPlain):
    name, flags = "zchat plain, 1 I/O thread", ("--insecure", "--io-threads", "1")


class ZchatCurveOneIo(Zchat):
    name, flags = "zchat curve, 1 I/O thread", ("--io-threads", "1")


class ZchatOneReader(ZchatPlain):
    name, flags = "zchat plain, 1 reader", ("--insecure", "--reader-threads", "1")


class Floor(Server):
    kind = "relay"
    flags = ()

    def command(self):
        return [BENCH / "relay", *self.flags]

    def is_ready(self):
        told = self.told()
        if told is None:
            return False
        commands, broadcasts, self.key = told.split()
        self.ports = (int(commands), int(broadcasts))
        return True


class RelayPlain(Floor):
    name = "relay plain"


class RelayCurve(Floor):
    name, flags = "relay curve", ("--curve",)


class RelayCurveZap(Floor):
    name, flags = "relay curve zap", ("--curve", "--zap")


class RelaySync(Floor):
    name, is_durable = "relay sync", True

    @property
    def flags(self):
        return ("--sync", self.folder / "log")


class RelaySyncCurve(Floor):
    name, is_durable = "relay sync curve", True

    @property
    def flags(self):
        return ("--curve", "--sync", self.folder / "log")


class RelayGather(Floor):
    name, flags = "relay gather", ("--gather", "16")


class Fanout(Floor):
    name, kind = "tcp fanout", "fanout"

    def command(self):
        return [BENCH / "fanout"]


class Nats(Server):
    name, kind, packages = "nats jetstream", "nats", ("nats-server",)

    def command(self):
        if not self.ports:
            self.ports = (free_port(),)
        (self.folder / "nats.conf").write_text(
            f"listen: 127.0.0.1:{self.ports[0]}\nwrite_deadline: \"60s\"\nmax_pending: 1GB\n"
            f"jetstream {{ store_dir: \"{self.folder}/js\", max_file_store: 8GB }}\n")
        return ["nats-server", "-c", self.folder / "nats.conf"]

    def configuration(self):
        return super().configuration() + "; jetstream on files, one replica, its own sync_interval (no sync before the ack)"


class RedisAlways(Server):
    name, kind, packages, is_durable = "redis always", "redis", ("redis-server",), True
    fsync = "always"

    def command(self):
        if not self.ports:
            self.ports = (free_port(),)
        return ["redis-server", "--port", self.ports[0], "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
                "--appendonly", "yes", "--appendfsync", self.fsync, "--maxclients", "20000", "--daemonize", "no"]


class RedisNo(RedisAlways):
    name, fsync, is_durable = "redis no sync", "no", False


class Mosquitto(Server):
    name, kind, packages = "mosquitto qos1", "mqtt", ("mosquitto",)

    def command(self):
        if not self.ports:
            self.ports = (free_port(),)
        (self.folder / "m.conf").write_text(
            f"listener {self.ports[0]} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.folder}/\nmax_inflight_messages 0\nmax_queued_messages 0\nset_tcp_nodelay true\n"
            "log_type error\nuser root\n")
        return ["mosquitto", "-c", self.folder / "m.conf"]

    def configuration(self):
        return super().configuration() + "; QoS 1, persistence true (saved at intervals, not before the ack), no limits in flight"


class Ngircd(Server):
    name, kind, packages = "ngircd", "irc", ("ngircd",)

    def command(self):
        if not self.ports:
            self.ports = (free_port(),)
        (self.folder / "irc.conf").write_text(
            f"[Global]\nName = bench.local\nListen = 127.0.0.1\nPorts = {self.ports[0]}\nMotdPhrase = \"bench\"\n"
            "ServerUID = 0\nServerGID = 0\n"
            "[Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\nPingTimeout = 3600\n"
            "[Options]\nDNS = no\nIdent = no\nPAM = no\n[Channel]\nName = #room\n")
        return ["ngircd", "-n", "-f", self.folder / "irc.conf"]

    def configuration(self):
        return super().configuration() + "; no penalties, no DNS, no ident; it stores nothing, PONG stands for the ack"


FLOORS = (RelayPlain, RelayCurve, RelaySync, RelaySyncCurve, RelayGather, Fanout)
PEERS = (Nats, RedisAlways, RedisNo, Mosquitto, Ngircd)
ALL = {kind.name: kind for kind in (ZchatPlain, ZchatCurve, *FLOORS, *PEERS)}


def measure(server, arguments):
    """One line of figures from the load."""
    words = [str(word) for word in (BENCH / "load", *server.load_arguments(), *arguments)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=LOAD_S, check=False)
    except subprocess.TimeoutExpired:
        raise Broken(f"{server.name}: no end after {LOAD_S} s: {' '.join(words)}") from None
    if done.returncode != 0:
        raise Broken(f"{server.name}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)
