/* figures.h - what the broker can be watched by: one table of figures, from which the metrics page, its JSON, STATS,
 * and the checks of dashboard and alert rules are made.
 *
 * The hub fills them in, the watch writes them down; plain numbers that are copied whole. */
#ifndef BROKER_OPS_FIGURES_H
#define BROKER_OPS_FIGURES_H

#include "broker/core/core.h"
#include "shared/base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(symbol, family, kind, label's name, label's value, help). In Prometheus a family is zchat_FAMILY, a counter's
 * zchat_FAMILY_total; in JSON and STATS it is FAMILY or FAMILY.VALUE. Rows of one family stand together, and the
 * first one has its help. */
#define FIGURE_TABLE(X)                                                                            \
    X(FIG_UPTIME, "uptime_seconds", GAUGE, "", "", "Since the broker began to serve")              \
    X(FIG_SESSIONS, "sessions", GAUGE, "", "", "Clients that are connected and have said HELLO")   \
    X(FIG_PEOPLE, "people", GAUGE, "", "", "People who have an account")                           \
    X(FIG_ROOMS, "rooms", GAUGE, "", "", "Rooms")                                                  \
    X(FIG_MEMBERSHIPS, "memberships", GAUGE, "", "", "Members over all rooms")                     \
    X(FIG_MAILBOX, "mailbox_events", GAUGE, "", "", "Events that their people have not confirmed") \
    X(FIG_POSTS, "posts", COUNTER, "", "", "Messages that were stored")                            \
    X(FIG_ACKS, "acks", COUNTER, "", "", "Posts that were acknowledged, repeated ones too")        \
    X(FIG_RETRIES, "retries", COUNTER, "", "",                                                     \
      "Posts that came again under a number already used")                                         \
    X(FIG_DUPLICATES, "duplicates", COUNTER, "", "",                                               \
      "Of those, stored before: answered with the first answer")                                   \
    X(FIG_EVENTS, "events", COUNTER, "", "", "Events that were published")                         \
    X(FIG_FRAMES_IN, "frames_received", COUNTER, "", "", "Frames that came from clients")          \
    X(FIG_FRAMES_SENT, "deliveries", COUNTER, "by", "reply",                                       \
      "Frames that left: replies to one client, and broadcasts before their fan-out")              \
    X(FIG_FRAMES_PUBLISHED, "deliveries", COUNTER, "by", "broadcast", "")                          \
    X(FIG_REPAIRS, "repairs", COUNTER, "", "",                                                     \
      "FETCHes: clients that asked for older or missed events")                                    \
    X(FIG_RECALLED, "repairs_recent", COUNTER, "", "",                                             \
      "Of those, answered from memory: what was asked for had just been said")                     \
    X(FIG_SEARCHES, "searches", COUNTER, "", "", "Searches")                                       \
    X(FIG_GAPS, "gaps", COUNTER, "", "",                                                           \
      "FETCHes answered with GONE: the events are no longer kept")                                 \
    X(FIG_REPUBLISHED, "republications", COUNTER, "", "",                                          \
      "Times that unconfirmed events were published again")                                        \
    X(FIG_CONFIRMS, "confirms", COUNTER, "", "", "Confirmations of people's own streams")          \
    X(FIG_EXPIRED, "sessions_expired", COUNTER, "", "", "Sessions that fell silent")               \
    X(FIG_EXPELLED, "keys_expelled", COUNTER, "", "", "Keys that were revoked or banned")          \
    X(FIG_QUEUE_PENDING, "queue_depth", GAUGE, "queue", "pending",                                 \
      "What waits: operations in the hands of the store, batches of them, reads, reads without a " \
      "thread")                                                                                    \
    X(FIG_QUEUE_READS, "queue_depth", GAUGE, "queue", "reads", "")                                 \
    X(FIG_QUEUE_WRITER, "queue_depth", GAUGE, "queue", "writer", "")                               \
    X(FIG_QUEUE_WAITING, "queue_depth", GAUGE, "queue", "reads_waiting", "")                       \
    X(FIG_WRITER_WAIT, "writer_wait_seconds", GAUGE, "", "",                                       \
      "How long the writer has had work without answering any")                                    \
    X(FIG_COMMITS, "commits", COUNTER, "", "", "Transactions")                                     \
    X(FIG_OPERATIONS, "operations", COUNTER, "", "", "Operations in them")                         \
    X(FIG_BROKERS, "brokers", GAUGE, "", "",                                                       \
      "Brokers that live and work in this database, this one too; 0: it has one for itself")       \
    X(FIG_TURNS, "turns", COUNTER, "", "", "Transactions of other brokers that were followed")     \
    X(FIG_TURNS_BEHIND, "turns_behind", GAUGE, "", "",                                             \
      "Of those, as many as were there at the last look and not followed yet")                     \
    X(FIG_HINTS_TOLD, "hints", COUNTER, "way", "told",                                             \
      "Hints between brokers that something was committed")                                        \
    X(FIG_HINTS_HEARD, "hints", COUNTER, "way", "heard", "")                                       \
    X(FIG_DROPS_SLOW, "drops", COUNTER, "reason", "slow",                                          \
      "Frames to one client that were dropped: its queue is full, or it is gone; clients repair "  \
      "that")                                                                                      \
    X(FIG_DROPS_DEPARTED, "drops", COUNTER, "reason", "departed", "")                              \
    X(FIG_DROPS_OVERSIZED, "drops", COUNTER, "reason", "oversized", "")                            \
    X(FIG_FRAMES_REFUSED_PARTS, "frames_refused", COUNTER, "reason", "parts",                      \
      "Frames that were refused as a whole")                                                       \
    X(FIG_FRAMES_REFUSED_SIZE, "frames_refused", COUNTER, "reason", "size", "")                    \
    X(FIG_FRAMES_REFUSED_ID, "frames_refused", COUNTER, "reason", "id", "")                        \
    X(FIG_FRAMES_REFUSED_KEY, "frames_refused", COUNTER, "reason", "key", "")                      \
    X(FIG_CONNECTIONS, "connections", GAUGE, "", "", "Connections, of which a client has two")     \
    X(FIG_ADDRESSES, "addresses", GAUGE, "", "", "Addresses they come from")                       \
    X(FIG_ACCEPTED, "connections_accepted", COUNTER, "", "", "Connections that were accepted")     \
    X(FIG_CUT_FULL, "connections_refused", COUNTER, "reason", "full",                              \
      "Connections that were cut: all places or those of the address are taken, no handshake, no " \
      "descriptor left")                                                                           \
    X(FIG_CUT_ADDRESS, "connections_refused", COUNTER, "reason", "address", "")                    \
    X(FIG_CUT_PENDING, "connections_refused", COUNTER, "reason", "pending", "")                    \
    X(FIG_CUT_DESCRIPTORS, "connections_refused", COUNTER, "reason", "descriptors", "")            \
    X(FIG_ADMITTED, "handshakes", COUNTER, "", "", "Handshakes that were let in")                  \
    X(FIG_REFUSED_MALFORMED, "handshakes_refused", COUNTER, "reason", "malformed",                 \
      "Handshakes that were refused")                                                              \
    X(FIG_REFUSED_EXPELLED, "handshakes_refused", COUNTER, "reason", "expelled", "")               \
    X(FIG_REFUSED_STRANGERS, "handshakes_refused", COUNTER, "reason", "stranger", "")              \
    X(FIG_REFUSED_PER_ADDRESS, "handshakes_refused", COUNTER, "reason", "address_rate", "")        \
    X(FIG_REFUSED_PER_KEY, "handshakes_refused", COUNTER, "reason", "key_rate", "")                \
    X(FIG_DELAYED, "handshakes_delayed", COUNTER, "", "",                                          \
      "Handshakes that waited for their key's turn")                                               \
    X(FIG_DESCRIPTORS, "descriptors", GAUGE, "", "", "Open files and connections of the process")  \
    X(FIG_DESCRIPTORS_MAX, "descriptors_max", GAUGE, "", "", "As many as the system allows")       \
    X(FIG_RESIDENT, "resident_bytes", GAUGE, "", "", "Memory of the process")                      \
    X(FIG_ALLOCATED, "allocated_bytes", GAUGE, "", "", "What it asked for, used or not")           \
    X(FIG_DATABASE, "database_bytes", GAUGE, "", "", "Size of zchat.db, or of the whole database") \
    X(FIG_WAL, "wal_bytes", GAUGE, "", "", "Size of its log, zchat.db-wal")                        \
    X(FIG_DISK_FREE, "disk_free_bytes", GAUGE, "", "", "Free on the disk of the data folder")      \
    X(FIG_DISK_SIZE, "disk_size_bytes", GAUGE, "", "", "Size of that disk")                        \
    X(FIG_DISK_FULL, "disk_is_full", GAUGE, "", "",                                                \
      "1 when nothing new is accepted for want of room")

enum figure {
#define X(symbol, family, kind, name, value, help) symbol,
    FIGURE_TABLE(X)
#undef X
        FIGURES
};

#define REFUSED_CODES 64 /* codes on the wire are below 100, and those of version 1 below this */

struct figures {
    uint64_t value[FIGURES];
    uint64_t refused[REFUSED_CODES];                 /* ERRORs by code */
    uint64_t limited[CORE_COUNTERS - REFUSED_FIRST]; /* refusals by the limit that was reached */
    struct histogram commit;                         /* of a transaction */
    struct histogram ack; /* from the turn that read a post to the one that acknowledged it */
};

enum figure_kind { GAUGE, COUNTER };

/* One number, with what there is to say about it; all of it static. */
struct sample {
    const char *family;
    enum figure_kind kind;
    const char *label; /* its name; "": none */
    const char *label_value;
    const char *help; /* "": the family was there before */
    uint64_t value;
};

typedef void figures_visit(void *context, const struct sample *sample);
/* All of them but the histograms, those of one family one behind the other. */
void figures_each(const struct figures *self, figures_visit *visit, void *context);

struct latency {
    const char *family; /* "commit_latency" */
    const char *help;
    const struct histogram *histogram;
};
#define LATENCIES 2
/* The one of that number, below LATENCIES. */
struct latency figures_latency(const struct figures *self, size_t number);

/* What is told of a latency besides its buckets: count, sum_us, p50_us, p99_us. */
#define LATENCY_NUMBERS 4
struct sample latency_number(const struct latency *self, size_t number);

/* The rows of STATS, those of the latencies last: visit at most `max` of them, from row `first` on. Returns the row at which
 * the next page begins; 0: there is none. */
uint64_t figures_page(const struct figures *self, uint64_t first, uint64_t max,
                      figures_visit *visit, void *context);

/* "refusals.too_fast", as in JSON and STATS. The longest is below this. */
#define SAMPLE_NAME_BYTES 64
void sample_name(const struct sample *self, char buf[static SAMPLE_NAME_BYTES]);

#endif
