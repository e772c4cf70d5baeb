"""metrics.py - the metrics page of a broker under test: asking it, and reading Prometheus's text as strictly as can be."""
import http.client
import json
import re

from zchat_test import DEADLINE, check, equal

SAMPLE = re.compile(r'^([a-z_]+)(?:\{([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"\})? (\d+(?:\.\d+)?)$')


class Page:
    """The page of a broker that runs with --metrics."""

    def __init__(self, broker):
        line = broker.process.wait_line(" metrics.listening ", where="err")
        self.port = int(re.search(r"url=http://\S+:(\d+)/", line).group(1))
        self.token_file = broker.data / "metrics.token"

    def ask(self, path, method="GET", headers=None, body=None, timeout=DEADLINE):
        """(status, headers, body)"""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            link.request(method, path, body=body, headers=headers or {})
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            link.close()

    def bearer(self):
        return {"Authorization": "Bearer " + self.token_file.read_text().strip()}

    def json(self, path, headers=None):
        status, got, body = self.ask(path, headers=headers)
        equal((status, got["Content-Type"]), (200, "application/json"), path)
        return json.loads(body)

    def figures(self):
        return self.json("/metrics.json")

    def samples(self):
        status, headers, body = self.ask("/metrics")
        equal((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"), "/metrics")
        return parse(body.decode())

    def health(self, timeout=DEADLINE):
        status, headers, body = self.ask("/health", timeout=timeout)
        return status, headers["Content-Type"], body


def family_of(name, types):
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and types.get(name[:-len(suffix)]) == "histogram":
            return name[:-len(suffix)]
    return name


def parse(text):
    """{name or name{label="value"}: number}. Every line is what the format allows, and each family stands in one piece behind
    its HELP and TYPE."""
    types, samples, seen, family, helped = {}, {}, set(), None, None
    check(text.endswith("\n"), "ends with a newline")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            helped = re.fullmatch(r"# HELP ([a-z_]+) (\S.*)", line).group(1)
            check(helped not in seen, f"{helped} comes twice")
            seen.add(helped)
            continue
        if line.startswith("# TYPE "):
            family, kind = re.fullmatch(r"# TYPE ([a-z_]+) (counter|gauge|histogram)", line).groups()
            equal(family, helped, "TYPE follows its HELP")
            equal(kind == "counter", family.endswith("_total"), f"{family}: {kind}")
            types[family] = kind
            continue
        found = SAMPLE.match(line)
        check(found is not None, f"no sample: {line}")
        name, label, value, number = found.groups()
        equal(family_of(name, types), family, f"the family of {line}")
        key = name if label is None else f'{name}{{{label}="{value}"}}'
        check(key not in samples, f"twice: {key}")
        samples[key] = float(number)
    for family, kind in types.items():
        if kind == "histogram":
            check_histogram(samples, family)
    return samples


def check_histogram(samples, family):
    rows = [(key, value) for key, value in samples.items() if key.startswith(family + "_bucket{")]
    bounds = [float(re.search(r'le="([^"]+)"', key).group(1).replace("+Inf", "inf")) for key, _ in rows]
    values = [value for _, value in rows]
    equal(bounds, sorted(set(bounds)), f"bounds of {family}")
    equal(values, sorted(values), f"{family} is cumulative")
    equal((bounds[-1], values[-1]), (float("inf"), samples[family + "_count"]), f"the last bucket of {family}")
    check(samples[family + "_sum"] >= 0, f"the sum of {family}")
