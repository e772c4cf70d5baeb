"""scenes.py - many scenes at a time."""
import concurrent.futures

import wire  # noqa: F401  makes zchat_test known
from zchat_test import Scene, check


def in_scene(name, function):
    """Call function(scene) with a Scene of its own, which is ended whatever happens."""
    scene = Scene(name)
    is_good = False
    alarms = []
    try:
        result = function(scene)
        is_good = True
    except Exception:
        scene.report()
        raise
    finally:
        alarms = scene.close(is_good)
    check(not alarms, f"{name}: {alarms}")
    return result


def in_parallel(jobs, named):
    """[(name, function)] -> [result or exception], as many at a time as `jobs`."""
    def one(pair):
        try:
            return in_scene(*pair)
        except Exception as problem:
            return problem
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, named))
