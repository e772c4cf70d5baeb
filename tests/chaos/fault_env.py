"""fault_env.py - programs with fault.so in them."""
import os

import wire  # noqa: F401  makes zchat_test known
from zchat_test import Skipped, bin_folder, check, program


def fault(scene, rule, name="fault"):
    """The environment that makes these calls fail, and the file where each failure is noted."""
    given = os.environ.get("ZCHAT_FAULT_SO")
    shim = given or bin_folder().parent / "tests" / "chaos" / "fault.so"
    check(os.access(shim, os.R_OK), f"{shim} is not built")
    with open(program("zchat-broker"), "rb") as broker:
        if b"libtsan.so" in broker.read():
            raise Skipped("the thread sanitizer does not bear another's malloc()")
    log = scene.folder / f"{name}.log"
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": str(shim), "ZCHAT_FAULT": rule, "ZCHAT_FAULT_LOG": str(log),
            "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0".lstrip(":")}, log


def failures(log):
    """(call, action, number) of every call that failed, or of every count."""
    if not log.exists():
        return []
    rows = [line.split() for line in log.read_text().splitlines()]
    return [(call, action, int(number)) for call, action, number in rows]


def counts(log):
    """{call: how many} of `count` rules."""
    return {call: number for call, action, number in failures(log) if action == "count"}
