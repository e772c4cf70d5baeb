#include "tests/chaos/netsim/control.h"

#include <inttypes.h>

#define WORDS_MAX 32

static const struct key {
    const char *name;
    size_t at;
} keys[] = {
    {"loss", offsetof(struct faults, loss_pct)},
    {"dup", offsetof(struct faults, dup_pct)},
    {"corrupt", offsetof(struct faults, corrupt_pct)},
    {"mangle", offsetof(struct faults, mangle_pct)},
    {"reorder", offsetof(struct faults, reorder_pct)},
    {"delay", offsetof(struct faults, delay_ms)},
    {"jitter", offsetof(struct faults, jitter_ms)},
    {"rate", offsetof(struct faults, rate_kbit)},
    {"queue", offsetof(struct faults, queue_max)},
    {"cut", offsetof(struct faults, is_cut)},
};

static bool set_fault(struct faults *faults, const char *name, const char *text)
{
    char *end;
    const double value = strtod(text, &end);

    if (*text == '\0' || *end != '\0' || value < 0)
        return false;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(name, keys[i].name) == 0) {
            memcpy((char *)faults + keys[i].at, &value, sizeof(value));
            return true;
        }
    }
    return false;
}

static bool is_meant(const struct hosts *hosts, const char *word, size_t host)
{
    return strcmp(word, "*") == 0 || strcmp(word, hosts->name[host]) == 0;
}

/* Returns how many directions were changed; 0 when something is wrong. */
static size_t set_faults(struct wire *wire, const struct hosts *hosts, char **word, size_t count)
{
    size_t changed = 0;

    for (size_t from = 0; from < hosts->count; from++) {
        for (size_t to = 0; to < hosts->count; to++) {
            if (from == to || !is_meant(hosts, word[0], from) || !is_meant(hosts, word[1], to))
                continue;
            for (size_t i = 2; i + 1 < count; i += 2) {
                if (!set_fault(&wire_direction(wire, from, to)->faults, word[i], word[i + 1]))
                    return 0;
            }
            changed++;
        }
    }
    return changed;
}

static void reset(struct wire *wire, const struct hosts *hosts)
{
    for (size_t from = 0; from < hosts->count; from++) {
        for (size_t to = 0; to < hosts->count; to++)
            wire_direction(wire, from, to)->faults = (struct faults){0};
    }
}

static void print_counters(struct wire *wire, const struct hosts *hosts)
{
    for (size_t from = 0; from < hosts->count; from++) {
        for (size_t to = 0; to < hosts->count; to++) {
            const struct direction *one = wire_direction(wire, from, to);

            if (one->sent + one->lost + one->overflowed > 0)
                printf("%s %s sent=%" PRIu64 " lost=%" PRIu64 " overflowed=%" PRIu64
                       " doubled=%" PRIu64 " damaged=%" PRIu64 "\n",
                       hosts->name[from], hosts->name[to], one->sent, one->lost, one->overflowed,
                       one->doubled, one->damaged);
        }
    }
}

bool control_line(struct wire *wire, const struct hosts *hosts, char *line)
{
    char *word[WORDS_MAX], *rest = NULL;
    size_t count = 0;

    for (char *each = strtok_r(line, " \t\r\n", &rest); each != NULL && count < WORDS_MAX;
         each = strtok_r(NULL, " \t\r\n", &rest))
        word[count++] = each;
    if (count == 0)
        return true;
    if (count == 1 && strcmp(word[0], "quit") == 0)
        return false;
    if (count == 1 && strcmp(word[0], "reset") == 0)
        reset(wire, hosts);
    else if (count == 1 && strcmp(word[0], "stats") == 0)
        print_counters(wire, hosts);
    else if (count < 4 || count % 2 != 0 || set_faults(wire, hosts, word, count) == 0) {
        printf("error: no such command\n");
        return true;
    }
    printf("ok\n");
    return true;
}
