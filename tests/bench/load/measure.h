/* measure.h - CPU, memory and latencies, as numbers of one measurement. */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define THREADS_MAX 64

struct thread_cpu {
    char name[16];
    int id;
    uint64_t ticks;
};

/* Of another process. Threads by ticks of the system, which are coarse; the whole by its clock. */
struct cpu {
    uint64_t ns, user_ticks, system_ticks;
    struct thread_cpu thread[THREADS_MAX];
    size_t thread_count;
};

/* pid 0: all zero. */
void cpu_read(int pid, struct cpu *ret);
void cpu_print(FILE *to, const struct cpu *before, const struct cpu *after); /* JSON members */
uint64_t memory_kb(int pid);                                                 /* resident */

struct samples {
    uint32_t *us; /* owned */
    size_t count, capacity;
};
void samples_add(struct samples *self, uint64_t us);
void samples_print(FILE *to, const char *name, struct samples *self); /* sorts */

uint64_t measure_now_us(void);

#endif
