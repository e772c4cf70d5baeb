"""report.py - rows of figures as Markdown, with ratios, and as pictures (SVG by gnuplot)."""
import pathlib
import shutil
import subprocess

LABELS = ("members", "pairs", "users", "readers", "flight", "rate", "rooms", "events")
# What a server is compared with: the floor of its kind.
FLOOR_OF = {"zchat curve": "relay curve", "relay sync curve": "relay curve"}
SYNC_FLOOR_OF = {"zchat curve": "relay sync curve"}

# (workload, what is asked, server, figure, compared with, at most / at least, where)
TARGETS = (
    ("CPU a delivery, plain, 100 members, 64 in flight", "zchat plain", "relay plain", "cpu_per_delivery_ns", "most", 0.8,
     {"workload": "fanout", "members": 100, "flight": 64}),
    ("CPU a delivery, plain, 100 members, 1,024 in flight", "zchat plain", "relay plain", "cpu_per_delivery_ns", "most", 0.5,
     {"workload": "fanout", "members": 100, "flight": 1024}),
    ("CPU a delivery, CURVE, 100 members, 64 in flight", "zchat curve", "relay curve", "cpu_per_delivery_ns", "most", 0.7,
     {"workload": "fanout", "members": 100, "flight": 64}),
    ("durable posts a second, 10 members, 64 in flight", "zchat plain", "relay sync", "posts_per_s", "least", 0.8,
     {"workload": "fanout", "members": 10, "flight": 64}),
    ("durable posts a second, 10 members, 1,024 in flight", "zchat plain", "relay sync", "posts_per_s", "least", 0.8,
     {"workload": "fanout", "members": 10, "flight": 1024}),
    ("ack p50 at 1,000 posts/s", "zchat plain", "relay sync", "ack_p50_us", "most", 1.3, {"workload": "steady"}),
    ("memory of an idle user, CURVE", "zchat curve", "relay curve", "memory_per_user_kb", "most", 1.05, {"workload": "idle"}),
    ("memory of an idle user, plain", "zchat plain", "relay plain", "memory_per_user_kb", "most", 1.05, {"workload": "idle"}),
)


def find(rows, server, where):
    for row in rows:
        if row["server"] == server and all(row.get(key) == value for key, value in where.items()):
            return row
    return None


def ratio(rows, row, figure, other):
    where = {key: row[key] for key in ("workload", *LABELS) if key in row}
    floor = find(rows, other, where)
    if floor is None or not floor.get(figure) or row.get(figure) is None:
        return None
    return row[figure] / floor[figure]


def number(value, digits=0):
    return "" if value is None else f"{value:,.{digits}f}"


def table(rows):
    """One table a workload."""
    lines = []
    for workload in dict.fromkeys(row["workload"] for row in rows):
        of_it = [row for row in rows if row["workload"] == workload]
        labels = [label for label in LABELS if label in of_it[0]]
        is_idle, is_behind = workload == "idle", workload in ("behind", "readers")
        is_private = workload == "private"
        cost = "cpu_per_post_ns" if is_private else "cpu_per_delivery_ns"
        heads = [*labels, "server", "ns/post" if is_private else "ns/delivery", "ratio", "posts/s", "ratio to sync", "ack p50 µs", "p99", "heard p50 µs", "p99",
                 "broker CPUs", "load CPUs", "spread"]
        if is_idle:
            heads = [*labels, "server", "kB a user", "ratio", "CPU ms a user and minute"]
        if is_behind:
            heads += ["old events/s", "ack p99 without"]
        lines += ["", f"### {workload}", "", "| " + " | ".join(heads) + " |", "| " + " | ".join(["---"] * len(heads)) + " |"]
        for row in of_it:
            floor = FLOOR_OF.get(row["server"], "relay plain")
            sync = SYNC_FLOOR_OF.get(row["server"], "relay sync")
            cells = [f"{row[label]:,}" for label in labels] + [row["server"]]
            if is_idle:
                cells += [number(row["memory_per_user_kb"], 1), number(ratio(rows, row, "memory_per_user_kb", floor), 2),
                          number(row["broker_cpus"] * 60000 / row["users"], 1)]
            else:
                cells += [number(row[cost]), number(ratio(rows, row, cost, floor), 2),
                          number(row["posts_per_s"]), number(ratio(rows, row, "posts_per_s", sync), 2),
                          number(row["ack_p50_us"]), number(row["ack_p99_us"]), number(row["delivery_p50_us"]),
                          number(row["delivery_p99_us"]), number(row["broker_cpus"], 2), number(row["load_cpus"], 2),
                          number(row["spread"], 2)]
            if is_behind:
                cells += [number(row["behind_per_s"]), number(row.get("quiet_ack_p99_us"))]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def targets(rows):
    lines = ["| target | asked | measured | |", "| --- | --- | --- | --- |"]

    def add(about, asked, got, is_met):
        lines.append(f"| {about} | {asked} | {got} | {'met' if is_met else 'not met'} |")

    for about, server, other, figure, way, limit, where in TARGETS:
        for row in rows:
            if row["server"] != server or any(row.get(key) != value for key, value in where.items()):
                continue
            value = ratio(rows, row, figure, other)
            if value is not None:
                users = f", {row['users']:,} users" if "users" in row else ""
                add(about + users, f"at {way} {limit} of {other}", f"{value:.2f}", value <= limit if way == "most" else value >= limit)
    for row in rows:
        if row["workload"] == "behind":
            add(f"events a second of a reader behind, {row['server']}", "at least 500,000", number(row["behind_per_s"]),
                row["behind_per_s"] >= 500000)
            add(f"ack p99 beside it, {row['server']}", "less than twice", f"{row['ack_p99_us'] / row['quiet_ack_p99_us']:.2f}",
                row["ack_p99_us"] < 2 * row["quiet_ack_p99_us"])
    one, many = (find(rows, "zchat plain", {"workload": "rooms", "rooms": rooms}) for rooms in (1, 1000))
    if one and many:
        value = many["cpu_per_delivery_ns"] / one["cpu_per_delivery_ns"]
        add("CPU a delivery, 1,000 rooms against one", "at most 1.2", f"{value:.2f}", value <= 1.2)
    return "\n".join(lines)


PLOTS = (
    ("cpu", "CPU of the broker a delivery, 100 members, 64 posts in flight", "ns", "cpu_per_delivery_ns",
     {"workload": "fanout", "members": 100, "flight": 64}),
    ("posts", "Acknowledged posts a second, 10 members, 1,024 in flight", "posts/s", "posts_per_s",
     {"workload": "fanout", "members": 10, "flight": 1024}),
    ("latency", "Acknowledged after, half of 1,000 posts a second", "µs", "ack_p50_us", {"workload": "steady"}),
)


def plot(rows, folder, stem):
    """Pictures beside the results; returns their names."""
    if shutil.which("gnuplot") is None:
        return []
    names = []
    for name, title, unit, figure, where in PLOTS:
        of_it = [row for row in rows if all(row.get(k) == v for k, v in where.items()) and row.get(figure)]
        of_it.sort(key=lambda row: row[figure])
        if not of_it:
            continue
        data = "\n".join(f"\"{row['server']}\" {row[figure]:.1f} {i} {int(row['server'].startswith('zchat'))}"
                         for i, row in enumerate(of_it))
        out = pathlib.Path(folder) / f"{stem}-{name}.svg"
        script = f"""set terminal svg size 760,{60 + 30 * len(of_it)} font "sans-serif,12" background "white"
set output "{out}"
set title "{title}"
set xlabel "{unit}"
set style fill solid 0.85 noborder
set yrange [{len(of_it) - 0.4}:-0.6]
set xrange [0:*]
unset key
set grid x
$data << END
{data}
END
plot $data using ($2/2):3:($2/2):(0.36):($4 == 1 ? 0x1b6ca8 : 0x9a9a9a):ytic(1) with boxxyerrorbars lc rgb variable, \\
     $data using 2:3:(sprintf("  %.0f", $2)) with labels left
"""
        if subprocess.run(["gnuplot"], input=script, text=True, check=False).returncode == 0:
            names.append(out.name)
    return names
