"""wire.py - hosts in network namespaces, joined by netsim's lossy wire."""
import itertools
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from zchat_test import Skipped, bin_folder, check  # noqa: E402  the path comes first

HOSTS = ("host", "a", "b")
_serial = itertools.count()


def need_root():
    if os.geteuid() != 0:
        raise Skipped("network namespaces, loop devices and full disks need root")


class Wire:
    """A host for the broker, and two other machines. Whatever happens, nothing of it stays: netsim ends
    with this process, and the namespaces are removed with the scene, or by the next run."""

    def __init__(self, scene, seed=1):
        need_root()
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise Skipped("/dev/net/tun cannot be used here")
        serial = next(_serial)
        self.names = {part: f"zn{os.getpid()}x{serial}{part}" for part in HOSTS}
        self.remove_stale()
        scene.at_end(self.remove)
        for name in self.names.values():
            done = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True, timeout=20)
            if done.returncode != 0:
                raise Skipped(f"network namespaces cannot be made here: {done.stderr.decode().strip()}")
        given = os.environ.get("ZCHAT_NETSIM")
        netsim = given or bin_folder().parent / "tests" / "chaos" / "netsim"
        check(os.access(netsim, os.X_OK), f"{netsim} is not built")
        self.process = scene.start([netsim, "-s", seed, *self.names.values()], "netsim")
        self.process.wait_line("ready")

    @staticmethod
    def remove_stale():
        """Those of a run that was killed."""
        for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
            match = re.fullmatch(r"zn(\d+)x\d+(host|a|b)", name)
            if match and not os.path.exists(f"/proc/{match.group(1)}"):
                subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=20)

    def remove(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=20)

    @staticmethod
    def address(part):
        return f"198.18.0.{HOSTS.index(part) + 1}"

    def prefix(self, part):
        return ["ip", "netns", "exec", self.names[part]]

    def _command(self, line):
        start = self.process.out_count()
        self.process.write(line + "\n")
        said = self.process.wait_line(lambda each: each == "ok" or each.startswith("error"), start=start)
        check(said == "ok", f"netsim on '{line}': {said}")
        return self.process.out[start:-1]

    def faults(self, come_from="*", to="*", **values):
        """From one host to another ("*": all): loss, dup, corrupt, mangle, reorder in %; delay, jitter
        in ms; rate in kbit/s; queue in packets; cut 0 or 1."""
        words = [self.names.get(come_from, "*"), self.names.get(to, "*")]
        self._command(" ".join(words + [f"{key} {value}" for key, value in values.items()]))

    def both_ways(self, part, **values):
        self.faults(part, "*", **values)
        self.faults("*", part, **values)

    def reset(self):
        """A good wire again."""
        self._command("reset")

    def counters(self):
        """The sum over all directions: sent, lost, overflowed, doubled, damaged."""
        total = {}
        for line in self._command("stats"):
            for key, value in re.findall(r"(\w+)=(\d+)", line):
                total[key] = total.get(key, 0) + int(value)
        return total

    def nft(self, part, text):
        done = subprocess.run([*self.prefix(part), "nft", "-f", "-"], input=text.encode(), check=False,
                              capture_output=True, timeout=20)
        if done.returncode != 0:
            raise Skipped(f"nft cannot be used here: {done.stderr.decode().strip()}")
