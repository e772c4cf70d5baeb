"""browser.py - a headless Chromium, driven over its DevTools pipe: two descriptors, JSON with a NUL behind each message."""
import base64
import json
import os
import select
import shutil
import subprocess
import time

from zchat_test import Failed, Skipped

# Nothing of its own on the network: a test machine may have none.
FLAGS = ("--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
         "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb")


class Browser:
    """One tab. Skips the test where there is no chromium (scripts/test installs it)."""

    def __init__(self, scene):
        program = shutil.which("chromium")
        if program is None:
            raise Skipped("no chromium here; scripts/test installs it")
        theirs_in, self.to = os.pipe()
        self.of, theirs_out = os.pipe()
        flags = list(FLAGS) + (["--no-sandbox"] if os.geteuid() == 0 else [])

        def wire():  # DevTools reads 3 and writes 4
            high_in, high_out = os.dup(theirs_in), os.dup(theirs_out)
            for fd, own in ((high_in, 3), (high_out, 4)):
                os.dup2(fd, own)

        self.process = subprocess.Popen(
            [program, *flags, f"--user-data-dir={scene.folder / 'chromium'}", "about:blank"], preexec_fn=wire,
            close_fds=False, env=scene.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        scene.at_end(self.close)
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer, self.number, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        for fd in (self.to, self.of):
            try:
                os.close(fd)
            except OSError:
                pass

    def _read(self, deadline):
        while b"\0" not in self.buffer:
            if not select.select([self.of], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failed("chromium does not answer")
            part = os.read(self.of, 1 << 20)
            if not part:
                raise Failed("chromium ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 60
        while True:
            got = self._read(deadline)
            if got.get("id") == self.number:
                if "error" in got:
                    raise Failed(f"{method}: {got['error']}")
                return got["result"]
            self.events.append(got)

    def run(self, script):
        """The value of an expression in the page; promises are awaited."""
        got = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in got:
            raise Failed(f"{script}: {got['exceptionDetails']}")
        return got["result"].get("value")

    def size(self, width, height, is_phone=False, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                  mobile=is_phone)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, path, is_whole=True):
        got = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=is_whole)
        path.write_bytes(base64.b64decode(got["data"]))

    def complaints(self):
        """What the browser itself found wrong: scripts' errors, and what a policy forbade."""
        told = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                told.append(str(params["exceptionDetails"]))
            if event.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                told.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        return told

    def asked(self):
        """The addresses of all that was asked of the network."""
        return [event["params"]["request"]["url"] for event in self.events
                if event.get("method") == "Network.requestWillBeSent"]
