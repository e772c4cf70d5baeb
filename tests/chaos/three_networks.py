"""three_networks.py - hosts in network namespaces on three networks: of the clients, between the brokers, of the database.

Each network is a bridge in one more namespace, each host has a link (veth) of its own to each network that it is on, and a cut takes
down the far end of one of these links: packets are lost without a word, in both directions."""
import itertools
import os
import re
import subprocess

from wire import need_root
from zchat_test import Skipped, check

NETWORKS = {"people": 1, "peers": 2, "database": 3}
BROKERS = ("b1", "b2", "b3")
DATABASES = ("d1", "d2")
HOSTS = {**{name: (number, tuple(NETWORKS)) for number, name in enumerate(BROKERS, 1)},
         **{name: (number, ("database",)) for number, name in enumerate(DATABASES, 11)},
         "people": (21, ("people",))}
PREFIX = "zc"
_serial = itertools.count()


def _ip(*words, lines=()):
    """Why it could not be done, or None. `lines`: of a batch."""
    more = ["-batch", "-"] if lines else []
    done = subprocess.run(["ip", *words, *more], input="\n".join(lines).encode(), check=False, capture_output=True, timeout=120)
    return None if done.returncode == 0 else done.stderr.decode().strip()


def _remove(name):
    _ip("netns", "del", name)


class ThreeNetworks:
    """All hosts and links. They are removed with the scene, or, where that was killed, by the next run."""

    def __init__(self, scene):
        need_root()
        self._remove_stale()
        serial = next(_serial)
        self.names = {part: f"{PREFIX}{os.getpid()}x{serial}{part}" for part in (*HOSTS, "switch")}
        self.cuts = set()
        scene.at_end(self.remove)
        self._must([f"netns add {name}" for name in self.names.values()])
        links = [(host, network) for host, (_, networks) in HOSTS.items() for network in networks]
        self._must([line for network in NETWORKS for line in (f"link add {network} type bridge", f"link set {network} up")] +
                   [line for link in links for line in self._at_switch(*link)], "switch")
        for host in HOSTS:
            self._must(["link set lo up"] + [line for link in links if link[0] == host for line in self._at_host(*link)], host)

    def _must(self, lines, part=None):
        why = _ip(*(() if part is None else ("-n", self.names[part])), lines=lines)
        if why is not None:
            raise Skipped(f"network namespaces and bridges cannot be made here: {why}")

    @staticmethod
    def _remove_stale():
        for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
            match = re.fullmatch(rf"{PREFIX}(\d+)x\d+\w+", name)
            if match and not os.path.exists(f"/proc/{match.group(1)}"):
                _remove(name)

    def remove(self):
        _ip("-force", lines=[f"netns del {name}" for name in self.names.values()])

    @staticmethod
    def _port(host, network):
        """The end at the switch; 15 bytes are all that a name may have."""
        return f"{host}-{network[:6]}"

    def _at_switch(self, host, network):
        port = self._port(host, network)
        return (f"link add {port} type veth peer name {network} netns {self.names[host]}", f"link set {port} master {network} up")

    def _at_host(self, host, network):
        return f"addr add {self.address(host, network)}/24 dev {network}", f"link set {network} up"

    @staticmethod
    def address(host, network):
        """Of RFC 2544: for measurements, no route out."""
        return f"198.18.{NETWORKS[network]}.{HOSTS[host][0]}"

    def prefix(self, host):
        return ["ip", "netns", "exec", self.names[host]]

    def cut(self, host, network):
        self._set(host, network, "down")
        self.cuts.add((host, network))

    def heal(self, host, network):
        self._set(host, network, "up")
        self.cuts.discard((host, network))

    def heal_all(self):
        for host, network in list(self.cuts):
            self.heal(host, network)

    def _set(self, host, network, state):
        why = _ip("-n", self.names["switch"], "link", "set", self._port(host, network), state)
        check(why is None, f"the link of {host} to {network} cannot be set {state}: {why}")
