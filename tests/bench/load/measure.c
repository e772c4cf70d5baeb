#include "tests/bench/load/measure.h"

#include "shared/base/alloc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX 8000000

uint64_t measure_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* utime and stime of a stat file; the name in it may hold anything but is in brackets. */
static void read_stat(const char *path, char name[static 16], uint64_t *ret_user,
                      uint64_t *ret_system)
{
    char line[1024] = "";
    FILE *file = fopen(path, "re");
    char *open, *close;

    if (file == NULL)
        return;
    if (fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    (void)fclose(file);
    open = strchr(line, '(');
    close = strrchr(line, ')');
    if (open == NULL || close == NULL)
        return;
    *close = '\0';
    snprintf(name, 16, "%s", open + 1);
    (void)sscanf(close + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
                 ret_user, ret_system);
}

void cpu_read(int pid, struct cpu *ret)
{
    char path[128], name[16];
    struct dirent *entry;
    clockid_t clock;
    struct timespec time;
    DIR *folder;

    *ret = (struct cpu){.ns = 0};
    if (pid == 0)
        return;
    if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &time) == 0)
        ret->ns = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    read_stat(path, name, &ret->user_ticks, &ret->system_ticks);
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    folder = opendir(path);
    while (folder != NULL && (entry = readdir(folder)) != NULL && ret->thread_count < THREADS_MAX) {
        struct thread_cpu *thread = &ret->thread[ret->thread_count];
        uint64_t user = 0, kernel = 0;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stat", pid, entry->d_name);
        read_stat(path, thread->name, &user, &kernel);
        thread->id = (int)strtol(entry->d_name, NULL, 10);
        thread->ticks = user + kernel;
        ret->thread_count++;
    }
    if (folder != NULL)
        (void)closedir(folder);
}

void cpu_print(FILE *to, const struct cpu *before, const struct cpu *after)
{
    const double tick_ms = 1000.0 / (double)sysconf(_SC_CLK_TCK);
    const char *comma = "";

    fprintf(to, "\"cpu_ms\":%.3f,\"user_ms\":%.0f,\"system_ms\":%.0f,\"threads\":[",
            (double)(after->ns - before->ns) / 1e6,
            (double)(after->user_ticks - before->user_ticks) * tick_ms,
            (double)(after->system_ticks - before->system_ticks) * tick_ms);
    for (size_t i = 0; i < after->thread_count; i++) {
        const struct thread_cpu *thread = &after->thread[i];
        uint64_t ticks = thread->ticks;

        for (size_t k = 0; k < before->thread_count; k++) {
            if (before->thread[k].id == thread->id)
                ticks -= before->thread[k].ticks;
        }
        if (ticks == 0)
            continue;
        fprintf(to, "%s{\"name\":\"%s\",\"ms\":%.0f}", comma, thread->name,
                (double)ticks * tick_ms);
        comma = ",";
    }
    fprintf(to, "]");
}

uint64_t memory_kb(int pid)
{
    char path[64];
    uint64_t size = 0, resident = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    file = pid == 0 ? NULL : fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &size, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

void samples_add(struct samples *self, uint64_t us)
{
    if (self->count == SAMPLES_MAX)
        return;
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 65536 : 2 * self->capacity;
        self->us = x_realloc(self->us, self->capacity, sizeof(*self->us));
    }
    self->us[self->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

void samples_print(FILE *to, const char *name, struct samples *self)
{
    const size_t count = self->count;

    fprintf(to, "\"%s\":{\"count\":%zu", name, count);
    if (count > 0) {
        qsort(self->us, count, sizeof(*self->us), compare);
        fprintf(to, ",\"p50_us\":%u,\"p90_us\":%u,\"p99_us\":%u,\"max_us\":%u", self->us[count / 2],
                self->us[count * 9 / 10], self->us[count * 99 / 100], self->us[count - 1]);
    }
    fprintf(to, "}");
}
