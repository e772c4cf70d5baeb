#include "client/lib/net/outbox_folder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium/crypto_generichash.h>

#define ID_BYTES         8
#define SESSION_DIGITS   16
#define FAILED_FILES_MAX 100

_Static_assert(OUTBOX_ID_BYTES == 2 * ID_BYTES + 1, "the digits and a NUL");

void outbox_broker_id(const struct broker_url *url, char buf[static OUTBOX_ID_BYTES])
{
    unsigned char id[crypto_generichash_BYTES_MIN];
    char address[URL_BYTES_MAX];

    if (url->has_key) {
        hex_encode(url->key, ID_BYTES, buf);
        return;
    }
    broker_url_format(url, address);
    crypto_generichash(id, sizeof(id), (const unsigned char *)address, strlen(address), NULL, 0);
    hex_encode(id, ID_BYTES, buf);
}

void outbox_folder_id(const struct name *nick, const struct broker_url *url, char *buf)
{
    char hex[OUTBOX_ID_BYTES];

    outbox_broker_id(url, hex);
    snprintf(buf, NAME_BYTES_MAX + 24, "%s@%s", nick->text, hex);
}

void outbox_folder_init(struct outbox_folder *self, const struct home *home,
                        const struct name *nick, const struct broker_url *url)
{
    size_t len;

    snprintf(self->path, sizeof(self->path), "%s/outbox", home->state);
    outbox_folder_id(nick, url, self->prefix);
    len = strlen(self->prefix);
    snprintf(self->prefix + len, sizeof(self->prefix) - len, "-");
}

static void path_of(const struct outbox_folder *self, const char *file, char buf[FILE_PATH_MAX])
{
    snprintf(buf, FILE_PATH_MAX, "%s/%.*s", self->path, 380, file);
}

struct outbox_file *outbox_folder_new(const struct outbox_folder *self, uint64_t session)
{
    char file[sizeof(self->prefix) + 24], path[FILE_PATH_MAX];

    snprintf(file, sizeof(file), "%s%016" PRIx64 ".log", self->prefix, session);
    path_of(self, file, path);
    return outbox_file_new(path, session);
}

/* Is it PREFIX SESSION REST, and which session? */
static bool read_name(const struct outbox_folder *self, const char *file, uint64_t *ret_session,
                      const char **ret_rest)
{
    const size_t len = strlen(self->prefix);
    unsigned char bytes[SESSION_DIGITS / 2];
    uint64_t session = 0;

    if (strncmp(file, self->prefix, len) != 0 || strlen(file) < len + SESSION_DIGITS ||
        hex_decode((struct span){file + len, SESSION_DIGITS}, bytes, sizeof(bytes)) != RC_OK)
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        session = session << 8 | bytes[i];
    *ret_session = session;
    *ret_rest = file + len + SESSION_DIGITS;
    return session != 0;
}

/* Go through the files of runs that have ended. `damaged` (may be NULL) hears of those that cannot be used. */
struct search {
    const struct outbox_folder *folder;
    DIR *dir;
    struct why *damaged;
};

static void tell_damaged(struct search *self, const char *path, enum rc rc)
{
    const int problem = errno;
    char kept[FILE_PATH_MAX];

    if (self->damaged == NULL)
        return;
    if (rc == RC_SYSTEM)
        why_set(self->damaged, "cannot read the outbox %s: %s", path, strerror(problem));
    else if (outbox_folder_give_up(path, kept) == RC_OK)
        why_set(self->damaged,
                "an outbox of an earlier run is damaged; nothing of it was sent, and it is kept as "
                "%s",
                kept);
    else
        why_set(self->damaged, "the outbox %s is damaged, and cannot be set aside: %s", path,
                strerror(errno));
}

/* The next one, locked; NULL at the end. */
static struct outbox_file *search_next(struct search *self)
{
    struct outbox_file *file = NULL;
    const struct dirent *entry;

    while ((entry = readdir(self->dir)) != NULL) {
        char path[FILE_PATH_MAX];
        const char *rest;
        uint64_t session;
        enum rc rc;

        if (!read_name(self->folder, entry->d_name, &session, &rest))
            continue;
        path_of(self->folder, entry->d_name, path);
        if (strncmp(rest, ".log.new-", 9) == 0)
            files_remove_stale(path);
        if (strcmp(rest, ".log") != 0)
            continue;
        rc = outbox_file_open(path, session, &file);
        if (rc == RC_OK)
            return file;
        if (rc != RC_BUSY && rc != RC_END)
            tell_damaged(self, path, rc);
    }
    return NULL;
}

enum rc outbox_folder_adopt(const struct outbox_folder *self, struct outbox_file **ret,
                            struct why *why)
{
    struct search search = {self, opendir(self->path), why};
    struct outbox_file *file, *oldest = NULL;

    if (search.dir == NULL && errno != ENOENT) {
        why_set(why, "cannot read the folder of outboxes %s: %s", self->path, strerror(errno));
        return RC_SYSTEM;
    }
    while (search.dir != NULL && (file = search_next(&search)) != NULL) {
        const bool is_older =
            oldest == NULL || outbox_file_born_ms(file) < outbox_file_born_ms(oldest);

        if (outbox_file_count(file) > 0 && is_older) {
            outbox_file_close(&oldest);
            oldest = file;
        } else {
            outbox_file_close(&file);
        }
    }
    if (search.dir != NULL)
        closedir(search.dir);
    *ret = oldest;
    return RC_OK;
}

size_t outbox_folder_waiting(const struct outbox_folder *self)
{
    struct search search = {self, opendir(self->path), NULL};
    struct outbox_file *file;
    size_t count = 0;

    while (search.dir != NULL && (file = search_next(&search)) != NULL) {
        count += outbox_file_count(file);
        outbox_file_close(&file);
    }
    if (search.dir != NULL)
        closedir(search.dir);
    return count;
}

enum rc outbox_folder_give_up(const char *path, char ret_path[static FILE_PATH_MAX])
{
    char first[FILE_PATH_MAX], to[FILE_PATH_MAX];

    outbox_file_failed_path(path, first);
    for (unsigned i = 1; i < FAILED_FILES_MAX; i++) {
        snprintf(to, sizeof(to), "%.*s", (int)sizeof(to) - 8, first);
        if (i > 1)
            snprintf(to + strlen(to), 8, ".%u", i);
        if (link(path, to) == 0) { /* unlike rename(), never onto another one */
            if (unlink(path) != 0)
                return RC_SYSTEM;
            memcpy(ret_path, to, sizeof(to));
            return RC_OK;
        }
        if (errno != EEXIST)
            return RC_SYSTEM;
    }
    return RC_SYSTEM;
}
