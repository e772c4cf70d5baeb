"""soak_report.py - what a soak found: the slope of memory, the verdict, a page and its picture."""
import datetime
import os
import pathlib
import platform

from doors import revision
from zchat_test import ROOT

SLOPE_MAX = 1.0  # MB an hour, of the broker's own memory
PARTS = 12  # rows of the table
NAMES = ("broker", "logger", "client")
COLOURS = {"broker": "#c0392b", "logger": "#2980b9", "client": "#27ae60"}


def warm_up_s(seconds):
    """Caches and queues come to their size; heaps take a quarter of an hour and more."""
    return seconds / 6


def slope(points):
    """Least squares, in units an hour; None of fewer than three."""
    if len(points) < 3:
        return None
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread * 3600


def slopes(soak):
    """{"broker_anon": MB an hour, ...} behind the warm-up."""
    warm = warm_up_s(soak.figures.get("window_s", soak.options.seconds))
    late = [row for row in soak.samples if row["at"] > warm]
    return {f"{name}_{kind}": slope([(row["at"], row[f"{name}_{kind}_mb"]) for row in late])
            for name in NAMES for kind in ("anon", "rss")}


def verdict(soak):
    """What went wrong, one sentence each; none: all held."""
    wrong = list(soak.problems.told)
    if soak.problems.count > len(wrong):
        wrong.append(f"and {soak.problems.count - len(wrong)} more of these")
    figures, found = soak.figures, slopes(soak)
    if not soak.is_short and not soak.is_stopped:
        own = found["broker_anon"]
        if own is None or own >= SLOPE_MAX:
            wrong.append(f"the broker's own memory grows by {own:.2f} MB an hour" if own is not None else "memory was not measured")
    for name in NAMES if "fds_after" in figures and not soak.is_stopped else ():
        if figures["fds_after"][name] > figures["fds_before"][name]:
            wrong.append(f"{name} has {figures['fds_after'][name]} descriptors, {figures['fds_before'][name]} before the faults"
                         + (f"; more of {figures['fds_more']}" if name == "broker" else ""))
    if not soak.is_stopped:
        if figures.get("last", {}).get("acked", 0) == 0:
            wrong.append("nothing was acknowledged")
        missing = [kind for kind in soak.faults.KINDS if not soak.faults.counts[kind]] if hasattr(soak, "faults") else ["all"]
        if missing:
            wrong.append(f"faults that were not made: {' '.join(missing)}")
    return wrong


def number(value, digits=1):
    return "-" if value is None else f"{value:,.{digits}f}"


def table(samples):
    """Means of each twelfth of the window; of p99 the median."""
    lines = ["| minutes | broker RSS | its own | of files | descriptors | logger own | client own | data | p50 | p99 | machine's load |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    size = max(1, -(-len(samples) // PARTS))  # rounded up
    for at in range(0, len(samples), size):
        part = samples[at:at + size]

        def mean(key, part=part):
            return sum(row[key] for row in part) / len(part)

        def middle(key, part=part):
            values = sorted(row[key] for row in part if row[key] is not None)
            return values[len(values) // 2] if values else None
        lines.append(f"| {(part[0]['at'] - 10) / 60:.1f} to {part[-1]['at'] / 60:.1f} | {mean('broker_rss_mb'):.2f} MB | {mean('broker_anon_mb'):.2f} "
                     f"| {mean('broker_file_mb'):.2f} | {mean('broker_fds'):.0f} | {mean('logger_anon_mb'):.2f} "
                     f"| {mean('client_anon_mb'):.2f} | {mean('data_mb'):.0f} MB | {number(middle('p50_ms'))} ms "
                     f"| {number(middle('p99_ms'))} ms | {mean('load'):.1f} |")
    return lines


def slope_lines(soak):
    found = slopes(soak)
    return [f"- {name}: its own memory (RssAnon) {number(found[f'{name}_anon'], 3)} MB an hour, all that is resident (VmRSS) "
            f"{number(found[f'{name}_rss'], 3)}" for name in NAMES]


def joins(soak):
    found = [soak.acks, soak.second_join, *soak.tails.values()] if hasattr(soak, "tails") else []
    return [f"- {join.name}: {join.agreed:,} agree; at most {join.most_waiting:,} waited for the other side" for join in found]


def seconds_text(seconds):
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def page(soak, wrong):
    figures, options = soak.figures, soak.options
    faults = getattr(soak, "faults", None)
    window_s = figures.get("window_s", soak.samples[-1]["at"] if soak.samples else 0)
    last = figures.get("last") or (soak.crowd_lines[-1][1] if soak.crowd_lines else {})
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":")[1].strip() for line in info if "model name" in line), "?")
    lines = [f"# Soak, {datetime.date.today()}", "",
             f"{os.cpu_count()} cores ({model}), {platform.platform()}; programs of commit {revision()}, preset release. "
             "The last column of the table has the machine's load, the soak's own included.", "",
             f"    scripts/dev soak --{'minutes ' + str(options.minutes) if options.minutes else 'hours ' + str(options.hours)} "
             f"--load {options.load} --users {options.users} --seed {options.seed}", ""]
    if soak.is_stopped:
        lines += [f"**Stopped after {seconds_text(window_s)} of the window, in phase \"{figures['phase']}\".**", ""]
    lines += [f"**Verdict: {'FAILED' if wrong else 'nothing was broken until then' if soak.is_stopped else 'all held'}**" + ("" if wrong or not soak.is_short else
              " (too short for a judgement on memory's slope)"), ""] + [f"- {each}" for each in wrong]
    lines += ["", "## Load", "",
              f"- {options.users} users of a crowd, {options.users // 10} rooms of ten, CURVE; two pairs who write in private and wait for "
              "receipts; a logger of all rooms, a second one of five rooms; four followers",
              f"- capacity: {figures['capacity']:,.0f} posts acknowledged a second, the best five seconds while each user waited only for "
              f"its own answer (mean {number(figures.get('capacity_mean'), 0)})",
              f"- load: {figures['rate']:,} posts a second, {options.load:.0%} of it; the broker keeps {figures.get('keep_mb')} MiB of events",
              f"- window: {seconds_text(window_s)}; posted {last.get('posted', 0):,}, acknowledged {last.get('acked', 0):,}; connections of "
              f"the crowd that were cut {last.get('cut', 0):,}, refusals that it met {last.get('errors', 0):,}"]
    if hasattr(soak, "talks"):
        lines.append(f"- private: {sum(talk.said for talk in soak.talks):,} said, {sum(talk.delivered for talk in soak.talks):,} with a "
                     f"receipt, {sum(talk.shown for talk in soak.talks):,} shown, each once")
    lines += ["", "## Memory", "", f"Least squares over what was sampled every ten seconds, without the first "
              f"{seconds_text(warm_up_s(window_s))}; wanted of the broker's own memory: below {SLOPE_MAX:.0f} MB an hour.", "",
              *slope_lines(soak), "", *table(soak.samples), ""]
    if "fds_after" in figures:
        lines += [f"Descriptors before the faults and after them: " +
                  ", ".join(f"{name} {figures['fds_before'][name]} and {figures['fds_after'][name]}" for name in NAMES) + ".", ""]
    if faults is not None:
        lines += ["## Faults", "", *[f"- {kind}: {faults.counts[kind]}" for kind in faults.KINDS],
                  *[f"- {what}: {count:,}" for what, count in faults.notes.items()],
                  f"- killed with the broker behind the window: {figures['kills']} times; all back after "
                  f"{', '.join(f'{wait:.1f}' for wait in figures['waits']) or '-'} s", ""]
        told = {key: value for key, value in figures.get("limited", {}).items() if value and not isinstance(value, dict)}
        if told:
            lines += ["What the broker counted: " + ", ".join(f"{key} {value:,}" for key, value in told.items()) + ".", ""]
    lines += ["## Promises", "", *joins(soak)]
    if hasattr(soak, "archive"):
        lines.append(f"- archived events: {soak.archive.events:,}, without a hole, each session's posts in their order; of the second logger "
                     f"{soak.second_archive.events:,}")
    if "sound" in figures:
        lines.append(f"- `--check-data` calls sound what is on the disk in the end{' and the last backup, restored' if figures['sound'] > 1 else ''}")
    return "\n".join(lines) + "\n"


def picture(samples):
    """Own memory over time, as an SVG."""
    width, height, left, bottom = 800, 300, 60, 40
    end = max(row["at"] for row in samples) or 1
    top = max(row[f"{name}_rss_mb"] for row in samples for name in NAMES) * 1.1

    def place(at, value):
        return f"{left + at / end * (width - left - 10):.1f},{height - bottom - value / top * (height - bottom - 10):.1f}"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    for step in range(5):
        value = top * step / 4
        y = place(0, value).split(",")[1]
        parts.append(f'<path d="M{left},{y}H{width - 10}" stroke="#dddddd"/><text x="{left - 6}" y="{y}" text-anchor="end">{value:.0f}</text>')
    for step in range(5):
        x = place(end * step / 4, 0).split(",")[0]
        parts.append(f'<text x="{x}" y="{height - 22}" text-anchor="middle">{end * step / 240:.0f}</text>')
    parts.append(f'<text x="{left}" y="{height - 6}">minutes; MB resident (thin) and of its own</text>')
    for index, name in enumerate(NAMES):
        for kind, stroke in (("rss", 0.7), ("anon", 2)):
            line = " ".join(place(row["at"], row[f"{name}_{kind}_mb"]) for row in samples)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="{stroke}"/>')
        parts.append(f'<text x="{width - 200 + 65 * index}" y="{height - 6}" fill="{COLOURS[name]}">{name}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def record(soak, text):
    stem = f"soak-{datetime.date.today()}"
    folder = pathlib.Path(ROOT) / "docs/results"
    if soak.samples:
        (folder / f"{stem}.svg").write_text(picture(soak.samples))
        text += f"\n![Memory over time]({stem}.svg)\n"
    (folder / f"{stem}.md").write_text(text)
    print(f"wrote docs/results/{stem}.md")
