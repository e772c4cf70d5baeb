"""standby.py - a synchronous standby of a test's server, that takes its place."""
import pwd
import shutil

from postgres import Postgres
from zchat_test import check, equal, program, wait_until


class Standby(Postgres):
    """A copy of the primary, which waits with each commit until it is on this disk, too."""

    def __init__(self, scene, primary, port):
        self.primary = primary
        super().__init__(scene, port=port)

    def _make_data(self):
        """Start brings it, from the primary."""

    def start(self):
        if self.primary is None:  # promoted, and started again
            return super().start()
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        done = self._run([self.bin / "pg_basebackup", "-h", self.primary.folder, "-p", self.primary.port, "-U", "zchat", "-D",
                          self.folder / "data", "-R", "-X", "stream", "-c", "fast", "-N"])
        check(done.returncode == 0, f"pg_basebackup: {done.stderr}")
        if self.user is not None:
            for path in [self.folder / "data", *(self.folder / "data").rglob("*")]:
                shutil.chown(path, self.user, pwd.getpwnam(self.user).pw_gid)
        (self.folder / "data/postgresql.auto.conf").open("a").write(
            f"primary_conninfo = 'host={self.primary.folder} port={self.primary.port} user=zchat application_name=standby'\n")
        self._make_certificate()
        super().start()
        self.primary.say("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        self.primary.say("SELECT pg_reload_conf()")
        wait_until(lambda: self.primary.say("SELECT sync_state FROM pg_stat_replication") == "sync", "the standby is synchronous", 60)
        return self

    def promote(self):
        """The primary is gone: take its place, alone."""
        self.primary = None
        self.say("SELECT pg_promote()")
        self.say("ALTER SYSTEM SET synchronous_standby_names = ''")
        self.say("SELECT pg_reload_conf()")


def primary_and_standby(scene):
    """Both, running, and a file with the URL of the two for a broker."""
    ports = [scene.free_port("127.0.0.1") for _ in range(2)]
    primary = Postgres(scene, port=ports[0])
    primary.say("CREATE ROLE chat LOGIN PASSWORD 'tea'; GRANT CREATE ON DATABASE postgres TO chat")
    secret = scene.folder / "url"
    secret.write_text(f"postgres://chat:tea@127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}/postgres\n")
    secret.chmod(0o600)
    return primary, Standby(scene, primary, ports[1]), secret


def brokers_with_hints(scene, store, count, *options):
    """Brokers over that database which tell each other what they commit; each has an address of its own. `store` may be a list of
    its URLs, one for each."""
    stores = store if isinstance(store, list) else [store] * count
    key = scene.folder / "cluster.key"
    equal(scene.run([program("zchat-broker"), "--make-cluster-key", key]).code, 0, "exit code of the key's making")
    port = scene.free_port("127.0.0.1")
    return [scene.broker("--store", stores[number], "--cluster", "on", "--cluster-bind", f"127.0.0.{number + 1}:{port}", "--cluster-key", key, *options,
                         data=scene.folder / f"broker-{number}", name=f"broker-{number}") for number in range(count)]
