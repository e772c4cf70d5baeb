/* exposition.h - the figures written down: Prometheus's text (format 0.0.4), and JSON for the page. */
#ifndef BROKER_OPS_EXPOSITION_H
#define BROKER_OPS_EXPOSITION_H

#include "broker/ops/health.h"

#include <stdio.h>

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

void exposition_text(const struct figures *figures, const struct health *health, FILE *out);

/* One object: "version", "alarms" (names), each figure under sample_name(), each latency as FAMILY.p50_us, .p99_us,
 * .count, .sum_us and FAMILY.bucket.BOUND_US (not cumulative; the last is .inf). */
void exposition_json(const struct figures *figures, const struct health *health, FILE *out);

/* For /health: "ok", or {"status":"bad","reasons":[names],"texts":[sentences]}. */
void exposition_health(const struct health *health, FILE *out);

#endif
