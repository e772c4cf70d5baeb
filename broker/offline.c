#include "broker/offline.h"

#include "broker/database.h"
#include "broker/import_file.h"
#include "broker/ops/keyfile.h"
#include "broker/store/check_data.h"
#include "broker/store/migrate.h"
#include "broker/store/restore.h"
#include "shared/base/files.h"
#include "shared/text/event_line.h"
#include "shared/wire/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int complain(const char *format, ...)
{
    va_list args;

    fputs("zchat-broker: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_FAILURE;
}

bool offline_is_asked(const struct options *options)
{
    return options->restore[0] != '\0' || options->is_check_data ||
           options->export_room[0] != '\0' || options->import[0] != '\0' ||
           options->migrate[0] != '\0' || options->make_cluster_key[0] != '\0';
}

static int restore(const struct options *options)
{
    char why[COPY_WHY_BYTES];
    char key[PATH_BYTES_MAX + 16];
    struct copy_done done;

    if (store_restore(options->restore, options->data, &done, why) != RC_OK)
        return complain("%s", why);
    fprintf(stderr,
            "zchat-broker: %s holds %s now, with %" PRIu64 " events; numbers go on behind a gap\n",
            options->data, options->restore, done.events);
    snprintf(key, sizeof(key), "%s/broker.key", options->data);
    if (access(key, F_OK) != 0)
        fprintf(stderr,
                "zchat-broker: there is no %s: put the old one there before the first start, or "
                "clients will not trust this broker\n",
                key);
    return EXIT_SUCCESS;
}

static int check_data(const struct options *options)
{
    char why[COPY_WHY_BYTES];

    if (store_check_data(options->data, stdout, why) != RC_OK)
        return complain("%s", why);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int parse_room(const char *given, struct stream_name *ret)
{
    if (stream_name_parse(span_of(given), ret) == RC_OK && ret->sigil == '#')
        return EXIT_SUCCESS;
    return complain("\"%s\" is not a room's name: #room, 1 to 32 letters, digits, - or _", given);
}

/* --- export -------------------------------------------------------------------------- */

struct wanted {
    struct span name;
    stream_id id; /* none: not found */
};

static void look_for(void *context, const struct record *record)
{
    struct wanted *wanted = context;

    if (record->kind == RECORD_STREAM && span_equal(record->name, wanted->name))
        wanted->id = record->stream;
}

static void write_events(const struct store_page *page)
{
    struct wire_reader reader = wire_reader_over(page->wire, TO_CLIENT | TO_EVERYBODY);
    struct message event;

    while (page->wire.len > 0 && wire_read(&reader, &event) == RC_OK) {
        const struct event_line line = {.stream = event.stream,
                                        .seq = event.seq,
                                        .ts_ms = event.ts,
                                        .until_ms = event.until,
                                        .type = event.type,
                                        .kind = event.kind,
                                        .from = event.from,
                                        .to = event.to,
                                        .text = event.text,
                                        .session = event.session,
                                        .number = event.number};

        event_line_write(stdout, &line);
    }
}

static enum rc write_room(struct store_reader *reader, const struct wanted *room)
{
    struct store_range range = {.stream = room->id,
                                .first = 1,
                                .events_max = FETCH_PAGE_EVENTS_MAX,
                                .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct store_page page = {.head = 1};
    enum rc rc = RC_OK;

    while (rc == RC_OK && range.first <= page.head && !ferror(stdout)) {
        rc = store_read(reader, &range, &page);
        if (rc == RC_OK && page.there > range.first && range.first <= page.head) {
            const struct event_line gap = {
                .stream = room->name, .is_gap = true, .first = range.first, .last = page.there - 1};

            event_line_write(stdout, &gap);
        }
        if (rc == RC_OK)
            write_events(&page);
        range.first = page.count > 0 ? page.last + 1 : page.there;
    }
    return rc;
}

static int export_room(const struct options *options, struct store *store)
{
    struct store_reader *reader = NULL;
    struct stream_name name;
    struct wanted room = {.id = {0}};
    enum rc rc;

    if (parse_room(options->export_room, &name) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    room.name = stream_name_text(&name);
    if (store_replay(store, look_for, &room) != RC_OK)
        return complain("%s", store_why(store));
    if (stream_is_none(room.id))
        return complain("there is no room %s here", name.text);
    rc = store_reader_open(store, &reader);
    if (rc == RC_OK)
        rc = write_room(reader, &room);
    store_reader_close(&reader);
    if (rc != RC_OK)
        return complain("what is stored cannot be read: --check-data tells more");
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS
                                                  : complain("writing: %s", strerror(errno));
}

/* --- migrate ------------------------------------------------------------------------- */

static int migrate(const struct options *options)
{
    char why[OPTIONS_WHY_BYTES], from[DATABASE_URL_BYTES], to[DATABASE_URL_BYTES];
    struct migrate_place source = {.folder = options->data}, target = {.folder = options->migrate};
    struct migrate_done done;
    enum rc rc = RC_OK;

    if (database_is_remote(options)) {
        rc = database_url(options->store, from, sizeof(from), why);
        source = (struct migrate_place){.url = from};
    }
    if (rc == RC_OK && options_are_store(options->migrate)) {
        rc = database_url(options->migrate, to, sizeof(to), why);
        target = (struct migrate_place){.url = to};
    } else if (rc == RC_OK && files_make_folder(options->migrate) != RC_OK) {
        return complain("cannot make %s: %s", options->migrate, strerror(errno));
    }
    if (rc == RC_OK)
        rc = store_migrate(&source, &target, &done, why);
    explicit_bzero(from, sizeof(from));
    explicit_bzero(to, sizeof(to));
    if (rc != RC_OK)
        return complain("%s", why);
    fprintf(stderr,
            "zchat-broker: copied %" PRIu64 " events in %" PRIu64 " streams, and %" PRIu64
            " sessions\n",
            done.events, done.streams, done.sessions);
    return EXIT_SUCCESS;
}

/* --- import -------------------------------------------------------------------------- */

static int import_room(const struct options *options, struct store *store)
{
    char why[IMPORT_WHY_BYTES];
    struct import_counts counts;
    struct stream_name room;

    if (parse_room(options->room, &room) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (import_file(store, options->import, &room, &counts, why) != RC_OK)
        return complain("%s", why);
    fprintf(stderr, "zchat-broker: %" PRIu64 " events are in %s now, %" PRIu64 " gaps left out\n",
            counts.events, room.text, counts.gaps);
    return EXIT_SUCCESS;
}

static int with_store(const struct options *options)
{
    char why[OPTIONS_WHY_BYTES];
    struct store *store = NULL;
    int code;

    if (database_open(options, &store, NULL, why) != RC_OK)
        return complain("%s", why);
    code = options->import[0] != '\0' ? import_room(options, store) : export_room(options, store);
    store_close(&store);
    return code;
}

int offline_run(const struct options *options)
{
    char why[FOLDER_WHY_BYTES];
    int lock = -1, code;

    if (options->make_cluster_key[0] != '\0')
        return key_pair_make(options->make_cluster_key, why) == RC_OK ? EXIT_SUCCESS
                                                                      : complain("%s", why);
    if (options->restore[0] == '\0' && access(options->data, F_OK) != 0)
        return complain("%s: %s", options->data, strerror(errno));
    if (folder_open(options->data, &lock, why) != RC_OK)
        return complain("%s", why);
    if (options->restore[0] != '\0')
        code = restore(options);
    else if (options->is_check_data)
        code = check_data(options);
    else if (options->migrate[0] != '\0')
        code = migrate(options);
    else
        code = with_store(options);
    (void)close(lock);
    return code;
}
