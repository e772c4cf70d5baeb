#include "tests/checker/checker.h"

#include "shared/base/alloc.h"
#include "tests/checker/gone.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A record with its names as numbers. */
struct entry {
    enum history_kind kind;
    bool is_copy;
    uint32_t nick;
    uint32_t stream;
    uint64_t run, seq, last, session, number, hash, time;
    size_t order; /* as it was added: within a run, as it happened */
};

/* Entries of some kinds, sorted; the caller frees. */
struct picked {
    struct entry *entry;
    size_t count;
};

struct checker {
    struct entry *entry;
    size_t count;
    size_t capacity;
    char **name; /* interned; [0] is "" */
    size_t names;
    size_t names_capacity;

    /* while judging */
    FILE *out;
    size_t most;
    size_t broken;
    bool is_complete;
    struct gone gone;
    struct picked purges; /* PURGED */
};

struct checker *checker_new(void)
{
    struct checker *self = x_alloc(1, sizeof *self);

    self->names_capacity = 16;
    self->name = x_alloc(self->names_capacity, sizeof *self->name);
    self->name[0] = x_strdup("");
    self->names = 1;
    return self;
}

void checker_destroy(struct checker **self_p)
{
    struct checker *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->names; i++)
        free(self->name[i]);
    free(self->name);
    free(self->entry);
    free(self);
    *self_p = NULL;
}

/* Few names, many records: the last ones are the likely ones. */
static uint32_t intern(struct checker *self, struct span name)
{
    for (size_t i = 0; i < self->names; i++) {
        if (span_equal(span_of(self->name[i]), name))
            return (uint32_t)i;
    }
    if (self->names == self->names_capacity) {
        self->names_capacity *= 2;
        self->name = x_realloc(self->name, self->names_capacity, sizeof *self->name);
    }
    self->name[self->names] = x_spandup(name);
    return (uint32_t)self->names++;
}

/* What a retry says is what the post under its first number said. */
static void resolve_retry(struct checker *self, struct entry *retry)
{
    for (size_t i = self->count; i-- > 0;) {
        const struct entry *post = &self->entry[i];

        if (post->kind != HISTORY_POST || post->run != retry->run || post->number != retry->last)
            continue;
        retry->kind = HISTORY_POST;
        retry->stream = post->stream;
        retry->hash = post->hash;
        retry->last = 0;
        return;
    }
}

void checker_add(struct checker *self, const struct history_record *record)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 256 : self->capacity * 2;
        self->entry = x_realloc(self->entry, self->capacity, sizeof *self->entry);
    }
    self->entry[self->count] = (struct entry){.kind = record->kind,
                                              .is_copy = record->is_copy,
                                              .nick = intern(self, record->nick),
                                              .stream = intern(self, record->stream),
                                              .run = record->run,
                                              .seq = record->seq,
                                              .last = record->last,
                                              .session = record->session,
                                              .number = record->number,
                                              .hash = record->hash,
                                              .time = record->time,
                                              .order = self->count};
    if (record->kind == HISTORY_RETRY)
        resolve_retry(self, &self->entry[self->count]);
    self->count++;
}

static void broken(struct checker *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void broken(struct checker *self, const char *format, ...)
{
    va_list args;

    if (self->out != NULL && self->broken < self->most) {
        va_start(args, format);
        vfprintf(self->out, format, args);
        va_end(args);
        fputc('\n', self->out);
    }
    self->broken++;
}

#define ORDER_BY(a, b, field)                        \
    do {                                             \
        if ((a)->field != (b)->field)                \
            return (a)->field < (b)->field ? -1 : 1; \
    } while (0)

static int by_place(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    ORDER_BY(a, b, stream);
    ORDER_BY(a, b, seq);
    ORDER_BY(a, b, order);
    return 0;
}

static int by_run(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    ORDER_BY(a, b, run);
    ORDER_BY(a, b, stream);
    ORDER_BY(a, b, order);
    return 0;
}

static int by_author(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    ORDER_BY(a, b, session);
    ORDER_BY(a, b, number);
    ORDER_BY(a, b, kind);
    ORDER_BY(a, b, order);
    return 0;
}

static int by_author_in_stream(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    ORDER_BY(a, b, stream);
    ORDER_BY(a, b, session);
    ORDER_BY(a, b, seq);
    return 0;
}

static struct picked pick(const struct checker *self, unsigned kinds,
                          int (*order)(const void *, const void *))
{
    struct picked picked = {.entry = x_alloc(self->count, sizeof *picked.entry)};

    for (size_t i = 0; i < self->count; i++) {
        if (kinds & 1u << self->entry[i].kind)
            picked.entry[picked.count++] = self->entry[i];
    }
    qsort(picked.entry, picked.count, sizeof *picked.entry, order);
    return picked;
}

#define SEEN     (1u << HISTORY_SHOWN | 1u << HISTORY_APPEND)
#define ANSWERED (1u << HISTORY_STORED | 1u << HISTORY_FAILED)

static bool is_same_event(const struct entry *a, const struct entry *b)
{
    return a->session == b->session && a->number == b->number && a->hash == b->hash;
}

/* What was said there may be emptied: its author was purged behind it. */
static bool is_purged(const struct checker *self, const struct entry *post)
{
    for (size_t i = 0; post != NULL && i < self->purges.count; i++) {
        if (self->purges.entry[i].nick == post->nick && post->time <= self->purges.entry[i].time)
            return true;
    }
    return false;
}

/* The first POST of that number; NULL: its author's history is not here. */
static const struct entry *find_post(const struct picked *posts, const struct entry *event)
{
    const struct entry wanted = {
        .kind = HISTORY_POST, .session = event->session, .number = event->number};
    size_t low = 0;
    size_t high = posts->count;

    while (low < high) {
        const size_t middle = (low + high) / 2;

        if (by_author(&posts->entry[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < posts->count && posts->entry[low].session == event->session &&
        posts->entry[low].number == event->number)
        return &posts->entry[low];
    return NULL;
}

/* To one reader something was said there, to another it was removed meanwhile. */
static bool is_emptied(const struct checker *self, const struct picked *posts,
                       const struct entry *a, const struct entry *b)
{
    const struct entry *said = a->session != 0 ? a : b;
    const struct entry *other = a->session != 0 ? b : a;

    return other->session == 0 && is_purged(self, find_post(posts, said));
}

static void judge_hole(struct checker *self, const struct entry *last, const struct entry *entry)
{
    const uint64_t next = last == NULL ? 1 : last->seq + 1;

    if (entry->seq != next && !gone_has(&self->gone, entry->stream, next, entry->seq - 1))
        broken(self, "hole: nobody was shown %s %llu", self->name[entry->stream],
               (unsigned long long)(entry->seq - 1));
}

/* One order: whoever saw a place saw the same there. What remains is the log, a place each. */
static void judge_one_order(struct checker *self, const struct picked *posts, struct picked *log)
{
    size_t kept = 0;

    for (size_t i = 0; i < log->count; i++) {
        const struct entry *entry = &log->entry[i];
        struct entry *last = kept > 0 ? &log->entry[kept - 1] : NULL;
        const bool is_in_stream = last != NULL && last->stream == entry->stream;

        if (is_in_stream && last->seq == entry->seq) {
            if (!is_same_event(last, entry) && !is_emptied(self, posts, last, entry))
                broken(self, "order: %s %llu is one event to %s and another to %s",
                       self->name[entry->stream], (unsigned long long)entry->seq,
                       self->name[last->nick], self->name[entry->nick]);
            continue;
        }
        if (self->is_complete)
            judge_hole(self, is_in_stream ? last : NULL, entry);
        log->entry[kept++] = *entry;
    }
    log->count = kept;
}

/* Shown once, without a hole, in order: to every run, a stream at a time. */
static void judge_runs(struct checker *self)
{
    struct picked shown =
        pick(self, 1u << HISTORY_SHOWN | 1u << HISTORY_GAP | 1u << HISTORY_FOLLOW, by_run);
    uint64_t next = 0; /* 0: whatever comes */

    for (size_t i = 0; i < shown.count; i++) {
        const struct entry *entry = &shown.entry[i];
        const bool is_first = i == 0 || shown.entry[i - 1].run != entry->run ||
                              shown.entry[i - 1].stream != entry->stream;
        const char *stream = self->name[entry->stream];

        if (entry->kind == HISTORY_FOLLOW) {
            next = 0;
            continue;
        }
        if (is_first || next == 0)
            next = entry->seq;
        if (entry->seq < next)
            broken(self, "twice: %s was shown %s %llu again, or late", self->name[entry->nick],
                   stream, (unsigned long long)entry->seq);
        else if (entry->seq > next)
            broken(self, "skipped: %s was shown %s %llu where %llu was next",
                   self->name[entry->nick], stream, (unsigned long long)entry->seq,
                   (unsigned long long)next);
        next = (entry->kind == HISTORY_GAP ? entry->last : entry->seq) + 1;
        if (entry->kind == HISTORY_GAP && self->is_complete &&
            !gone_has(&self->gone, entry->stream, entry->seq, entry->last))
            broken(self, "gap: %s was told that %s %llu to %llu are gone, which are kept",
                   self->name[entry->nick], stream, (unsigned long long)entry->seq,
                   (unsigned long long)entry->last);
        if (stream[0] == '@' && strcmp(stream + 1, self->name[entry->nick]) != 0)
            broken(self, "private: %s was shown %s %llu", self->name[entry->nick], stream,
                   (unsigned long long)entry->seq);
    }
    free(shown.entry);
}

/* The place in a log sorted by place; NULL when nobody saw it. */
static const struct entry *find_place(const struct picked *log, uint32_t stream, uint64_t seq)
{
    const struct entry wanted = {.stream = stream, .seq = seq};
    size_t low = 0;
    size_t high = log->count;

    while (low < high) {
        const size_t middle = (low + high) / 2;

        if (by_place(&log->entry[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < log->count && log->entry[low].stream == stream && log->entry[low].seq == seq)
        return &log->entry[low];
    return NULL;
}

/* A session's posts stand in a stream in the order of their numbers. */
static void judge_sender_order(struct checker *self, const struct picked *log)
{
    struct picked posts = {.entry = x_alloc(log->count, sizeof *posts.entry)};

    for (size_t i = 0; i < log->count; i++) {
        if (log->entry[i].session != 0)
            posts.entry[posts.count++] = log->entry[i];
    }
    qsort(posts.entry, posts.count, sizeof *posts.entry, by_author_in_stream);
    for (size_t i = 1; i < posts.count; i++) {
        const struct entry *a = &posts.entry[i - 1];
        const struct entry *b = &posts.entry[i];

        if (a->stream == b->stream && a->session == b->session && a->number >= b->number)
            broken(self,
                   "sender: %s holds post %llu of one session at %llu and its post %llu at %llu",
                   self->name[a->stream], (unsigned long long)a->number, (unsigned long long)a->seq,
                   (unsigned long long)b->number, (unsigned long long)b->seq);
    }
    free(posts.entry);
}

/* What is known of one post: what its author said and was told, and where it stands. */
struct fate {
    const struct entry *post;
    const struct entry *stored;
    const struct entry *failed;
    const struct entry *place; /* not the sender's own copy */
};

/* An acknowledged post is where it was said to be. */
static bool is_kept(const struct checker *self, const struct fate *fate, const struct picked *log)
{
    const struct entry *stored = fate->stored;
    const struct entry *there = find_place(log, stored->stream, stored->seq);

    if (there == NULL)
        return !self->is_complete ||
               gone_excuses(&self->gone, stored->stream, stored->seq, stored->time);
    if (there->session == 0 && is_purged(self, fate->post))
        return true;
    return there->session == stored->session && there->number == stored->number &&
           (fate->post == NULL || there->hash == fate->post->hash);
}

static void judge_fate(struct checker *self, const struct fate *fate, const struct picked *log)
{
    const struct entry *any = fate->post != NULL    ? fate->post
                              : fate->place != NULL ? fate->place
                                                    : fate->stored;

    if (any == NULL)
        return;
    const unsigned long long number = any->number;
    const unsigned long long session = any->session;
    if (fate->stored != NULL) {
        if (!is_kept(self, fate, log))
            broken(self,
                   "lost: %s was told that %016llx %llu is stored at %s %llu, where it is not",
                   self->name[fate->stored->nick], session, number,
                   self->name[fate->stored->stream], (unsigned long long)fate->stored->seq);
        if (fate->failed != NULL)
            broken(self, "answers: %016llx %llu was told stored and failed", session, number);
    }
    if (fate->failed != NULL && fate->place != NULL)
        broken(self, "failed: %016llx %llu was told failed, and stands at %s %llu", session, number,
               self->name[fate->place->stream], (unsigned long long)fate->place->seq);
    if (self->is_complete && fate->place != NULL &&
        (fate->post == NULL || fate->post->hash != fate->place->hash ||
         fate->post->stream != fate->place->stream))
        broken(self, "invented: %s %llu says what %016llx %llu did not",
               self->name[fate->place->stream], (unsigned long long)fate->place->seq, session,
               number);
}

/* Authors name posts by run, readers by session: bring both under session. */
static struct picked pick_by_session(const struct checker *self, unsigned kinds)
{
    struct picked picked = pick(self, kinds, by_author);

    for (size_t i = 0; i < picked.count; i++)
        picked.entry[i].session = picked.entry[i].run;
    if (picked.count > 0)
        qsort(picked.entry, picked.count, sizeof *picked.entry, by_author);
    return picked;
}

/* Every post has one fate. */
static void judge_posts(struct checker *self, const struct picked *log)
{
    struct picked all = pick_by_session(self, 1u << HISTORY_POST | ANSWERED);

    all.entry = x_realloc(all.entry, all.count + log->count + 1, sizeof *all.entry);
    for (size_t i = 0; i < log->count; i++) {
        if (log->entry[i].session != 0 && !log->entry[i].is_copy) {
            all.entry[all.count] = log->entry[i];
            all.entry[all.count++].kind = HISTORY_APPEND;
        }
    }
    qsort(all.entry, all.count, sizeof *all.entry, by_author);
    for (size_t i = 0; i < all.count;) {
        struct fate fate = {0};
        const size_t first = i;

        for (; i < all.count && all.entry[i].session == all.entry[first].session &&
               all.entry[i].number == all.entry[first].number;
             i++) {
            const struct entry *entry = &all.entry[i];

            if (entry->kind == HISTORY_POST)
                fate.post = entry;
            else if (entry->kind == HISTORY_FAILED)
                fate.failed = entry;
            else if (entry->kind == HISTORY_STORED && fate.stored == NULL)
                fate.stored = entry;
            else if (entry->kind == HISTORY_STORED &&
                     (entry->stream != fate.stored->stream || entry->seq != fate.stored->seq))
                broken(self, "answers: %016llx %llu was told two places",
                       (unsigned long long)entry->session, (unsigned long long)entry->number);
            else if (entry->kind == HISTORY_APPEND && fate.place == NULL)
                fate.place = entry;
            else if (entry->kind == HISTORY_APPEND)
                broken(self, "doubled: %016llx %llu stands at %s %llu and at %s %llu",
                       (unsigned long long)entry->session, (unsigned long long)entry->number,
                       self->name[fate.place->stream], (unsigned long long)fate.place->seq,
                       self->name[entry->stream], (unsigned long long)entry->seq);
        }
        judge_fate(self, &fate, log);
    }
    free(all.entry);
}

/* What the broker was to give up, so that it is missed by nobody. */
static void note_gone(struct checker *self)
{
    struct picked gone = pick(self, 1u << HISTORY_REMOVED | 1u << HISTORY_RESTORED, by_place);

    for (size_t i = 0; i < gone.count; i++)
        gone_add(&self->gone, &(struct gone_range){.stream = gone.entry[i].stream,
                                                   .first = gone.entry[i].seq,
                                                   .last = gone.entry[i].last,
                                                   .since = gone.entry[i].kind == HISTORY_RESTORED
                                                                ? gone.entry[i].time
                                                                : 0});
    gone_sort(&self->gone);
    self->purges = pick(self, 1u << HISTORY_PURGED, by_place);
    free(gone.entry);
}

size_t checker_judge(struct checker *self, const struct checker_options *options, FILE *out,
                     size_t most)
{
    struct picked log = pick(self, SEEN, by_place);
    struct picked posts = pick_by_session(self, 1u << HISTORY_POST);

    self->out = out;
    self->most = most;
    self->broken = 0;
    self->is_complete = options->is_complete;
    note_gone(self);
    judge_one_order(self, &posts, &log);
    judge_runs(self);
    judge_sender_order(self, &log);
    judge_posts(self, &log);
    gone_fini(&self->gone);
    free(self->purges.entry);
    free(posts.entry);
    free(log.entry);
    return self->broken;
}

void checker_get_counts(const struct checker *self, struct checker_counts *ret)
{
    uint64_t last_run = 0;

    *ret = (struct checker_counts){.records = self->count};
    for (size_t i = 0; i < self->count; i++) {
        const struct entry *entry = &self->entry[i];

        ret->posts += entry->kind == HISTORY_POST;
        ret->stored += entry->kind == HISTORY_STORED;
        ret->delivered += entry->kind == HISTORY_DELIVERED;
        ret->failed += entry->kind == HISTORY_FAILED;
        ret->unknown += entry->kind == HISTORY_UNKNOWN;
        ret->shown += entry->kind == HISTORY_SHOWN;
        ret->appended += entry->kind == HISTORY_APPEND;
        ret->runs += entry->run != 0 && entry->run != last_run;
        last_run = entry->run;
    }
    for (size_t i = 1; i < self->names; i++)
        ret->streams += self->name[i][0] == '#' || self->name[i][0] == '@';
}
