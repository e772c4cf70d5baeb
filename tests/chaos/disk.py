"""disk.py - file systems of our own: an image on a RAM disk, that can be filled, copied as it stands, and
made read-only."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from wire import need_root
from zchat_test import Skipped

SHM = "/dev/shm"


def run(*words):
    done = subprocess.run([str(word) for word in words], check=False, capture_output=True, timeout=60)
    if done.returncode != 0:
        raise Skipped(f"{' '.join(map(str, words))}: {done.stderr.decode().strip()}")


class Image:
    """An ext4 file system in a file, mounted. It is taken away with the scene, whatever happens; what a
    killed run left is removed by the next."""

    def __init__(self, scene, mib=96, image=None, options="loop"):
        need_root()
        remove_stale()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"zchat-image-{os.getpid()}-", dir=SHM))
        self.file, self.mount = self.folder / "img", self.folder / "mnt"
        self.scene, self.is_mounted = scene, False
        scene.at_end(self.remove)
        self.mount.mkdir()
        if image is None:
            with open(self.file, "wb") as file:
                file.truncate(mib << 20)
            run("mkfs.ext4", "-q", "-F", "-m", "0", self.file)  # root writes here: nothing is reserved for it
        else:
            run("cp", "--sparse=always", image, self.file)
        run("mount", "-o", options, self.file, self.mount)
        self.is_mounted = True

    def copy(self):
        """What would be there after a power cut: only what was synced is in the image."""
        return Image(self.scene, image=self.file)

    def remount(self, options):
        run("mount", "-o", f"remount,{options}", self.mount)

    def free_bytes(self):
        status = os.statvfs(self.mount)
        return status.f_bavail * status.f_frsize

    def remove(self):
        if self.is_mounted:
            if subprocess.run(["umount", str(self.mount)], check=False, capture_output=True).returncode != 0:
                subprocess.run(["umount", "-l", str(self.mount)], check=False, capture_output=True)
            self.is_mounted = False
        shutil.rmtree(self.folder, ignore_errors=True)


def remove_stale():
    for folder in pathlib.Path(SHM).glob("zchat-image-*"):
        pid = folder.name.split("-")[2]
        if not os.path.exists(f"/proc/{pid}"):
            subprocess.run(["umount", "-l", str(folder / "mnt")], check=False, capture_output=True)
            shutil.rmtree(folder, ignore_errors=True)


def fill(image, leave_bytes=0):
    """Take all the room but that; returns the file to remove."""
    filler = image.mount / "filler"
    with open(filler, "ab") as file:
        for step in (1 << 20, 1 << 16, 1 << 12):
            while image.free_bytes() >= leave_bytes + step:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)
                except OSError:
                    break
    return filler
