#include "shared/log/output.h"

#include "shared/base/files.h"
#include "shared/log/fields.h"
#include "shared/text/json.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#define SYSLOG_SOCKET  "/dev/log"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define DATAGRAM_BYTES 8192

static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

/* Any thread reads them, the one that reloads changes them: an address is written before it is the one in use, while
 * the other may still be. */
static _Atomic(const char *) log_program = "";
static atomic_int log_socket = -1;
static struct sockaddr_un addresses[2] = {{.sun_family = AF_UNIX}, {.sun_family = AF_UNIX}};
static _Atomic(struct sockaddr_un *) log_address = &addresses[0];

/* JSON */

static bool is_ours(struct span key)
{
    return span_equal(key, SPAN("ts")) || span_equal(key, SPAN("level")) ||
           span_equal(key, SPAN("event")) || span_equal(key, SPAN("text"));
}

static void write_json(const struct log_record *record, FILE *out)
{
    struct log_fields fields;
    struct json json;

    log_fields_read(record->text, &fields);
    json_open(&json, out);
    json_time(&json, "ts", record->wall_ms);
    json_text(&json, "level", span_of(log_level_name(record->level)));
    json_text(&json, "event", span_of(record->event));
    for (size_t i = 0; i < fields.count; i++) {
        const struct log_field *field = &fields.field[i];
        char key[64];

        snprintf(key, sizeof(key), "%.*s%s", (int)field->key.len, field->key.ptr,
                 is_ours(field->key) ? "_" : "");
        json_text(&json, key, field->value);
    }
    if (fields.rest_len > 0)
        json_text(&json, "text", (struct span){fields.rest, fields.rest_len});
    json_close(&json);
}

static void put_json(const struct log_record *record)
{
    char *line = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&line, &len);

    if (out == NULL) {
        log_put_record(record);
        return;
    }
    write_json(record, out);
    if (fclose(out) == 0)
        log_put_line((struct span){line, len});
    free(line);
}

/* Datagrams */

static void send_datagram(const struct log_record *record, const char *bytes, size_t len)
{
    if (sendto(atomic_load(&log_socket), bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT,
               (const struct sockaddr *)atomic_load(&log_address), sizeof(addresses[0])) < 0)
        log_put_record(record); /* nobody listens, or too slowly */
}

static void put_syslog(const struct log_record *record)
{
    char bytes[DATAGRAM_BYTES];
    const int len = snprintf(bytes, sizeof(bytes), "<%d>%s[%d]: %s %.*s",
                             LOG_DAEMON | priorities[record->level], atomic_load(&log_program),
                             (int)getpid(), record->event, (int)record->text.len, record->text.ptr);

    send_datagram(record, bytes, (size_t)len < sizeof(bytes) ? (size_t)len : sizeof(bytes) - 1);
}

/* The same with the object of the JSON format as the message. */
static void put_syslog_json(const struct log_record *record)
{
    char bytes[DATAGRAM_BYTES];
    FILE *out = fmemopen(bytes, sizeof(bytes), "w");
    long len;

    if (out == NULL) {
        put_syslog(record);
        return;
    }
    fprintf(out, "<%d>%s[%d]: ", LOG_DAEMON | priorities[record->level], atomic_load(&log_program),
            (int)getpid());
    write_json(record, out);
    len = ftell(out);
    (void)fclose(out);
    send_datagram(record, bytes, len > 0 ? (size_t)len - 1 : 0); /* without its newline */
}

/* systemd's native protocol: FIELD=value and a newline; records are one line, so no value needs its length. */
static void put_journal(const struct log_record *record)
{
    char bytes[DATAGRAM_BYTES];
    struct log_fields fields;
    size_t len = (size_t)snprintf(
        bytes, sizeof(bytes),
        "MESSAGE=%s %.*s\nPRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%s\nZCHAT_EVENT=%s\n",
        record->event, (int)record->text.len, record->text.ptr, priorities[record->level],
        LOG_DAEMON >> 3, atomic_load(&log_program), record->event);

    log_fields_read(record->text, &fields);
    for (size_t i = 0; i < fields.count; i++) {
        const struct log_field *field = &fields.field[i];

        if (len + field->key.len + field->value.len + sizeof("ZCHAT_=\n") > sizeof(bytes))
            break;
        memcpy(bytes + len, "ZCHAT_", 6);
        len += 6;
        for (size_t k = 0; k < field->key.len; k++) {
            const char c = field->key.ptr[k];

            bytes[len++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        }
        bytes[len++] = '=';
        memcpy(bytes + len, field->value.ptr, field->value.len);
        len += field->value.len;
        bytes[len++] = '\n';
    }
    send_datagram(record, bytes, len);
}

/* Carrying out */

const char *log_settings_check(const struct log_settings *settings)
{
    if (settings->target != LOG_TO_STDERR && settings->file[0] != '\0')
        return "log-file: the log goes to one place, and log-to names another";
    if (settings->target == LOG_TO_STDERR && settings->socket[0] != '\0')
        return "log-socket: for log-to = syslog or journal only";
    if (settings->socket[0] != '\0' && settings->socket[0] != '/')
        return "log-socket: expected an absolute path";
    return NULL;
}

/* One socket for as long as we live: it is bound to nobody, so whoever listens may come and go. */
static enum rc open_socket(const struct log_settings *settings, char *why)
{
    const char *path = settings->socket[0] != '\0'          ? settings->socket
                       : settings->target == LOG_TO_JOURNAL ? JOURNAL_SOCKET
                                                            : SYSLOG_SOCKET;

    if (access(path, F_OK) != 0) {
        snprintf(why, CONF_WHY_BYTES, "%s: %s", path, strerror(errno));
        return RC_SYSTEM;
    }
    if (atomic_load(&log_socket) < 0)
        atomic_store(&log_socket, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (atomic_load(&log_socket) < 0) {
        snprintf(why, CONF_WHY_BYTES, "%s", strerror(errno));
        return RC_SYSTEM;
    }
    struct sockaddr_un *used = atomic_load(&log_address);
    struct sockaddr_un *other = used == &addresses[0] ? &addresses[1] : &addresses[0];

    snprintf(other->sun_path, sizeof(other->sun_path), "%s", path);
    atomic_store(&log_address, other);
    return RC_OK;
}

enum rc log_output(const struct log_settings *settings, const char *program,
                   char why[static CONF_WHY_BYTES])
{
    const bool is_json = settings->format == LOG_FORMAT_JSON;

    log_set_level((enum log_level)settings->level);
    atomic_store(&log_program, program);
    if (settings->target != LOG_TO_STDERR) {
        if (open_socket(settings, why) != RC_OK)
            return RC_SYSTEM;
        log_set_sink(settings->target == LOG_TO_JOURNAL ? put_journal
                     : is_json                          ? put_syslog_json
                                                        : put_syslog);
        return RC_OK;
    }
    if (files_check(settings->file, why) != RC_OK)
        return RC_SYSTEM;
    if (log_open(settings->file[0] != '\0' ? settings->file : NULL) != 0) {
        snprintf(why, CONF_WHY_BYTES, "%s: %s", settings->file, strerror(errno));
        return RC_SYSTEM;
    }
    log_set_sink(is_json ? put_json : NULL);
    return RC_OK;
}
