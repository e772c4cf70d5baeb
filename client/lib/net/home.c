#include "client/lib/net/home.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* $name when it is an absolute path: the XDG standard wants others to be ignored. */
static const char *absolute_env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] == '/' ? value : NULL;
}

static bool join_path(char *buf, size_t capacity, const char *folder, const char *name)
{
    int len = snprintf(buf, capacity, "%s/%s", folder, name);

    return len > 0 && (size_t)len < capacity;
}

static const char *home_folder(char *buf, size_t capacity)
{
    const char *home = absolute_env("HOME");
    struct passwd entry, *found = NULL;
    char names[4096];

    if (home != NULL)
        return home;
    if (getpwuid_r(geteuid(), &entry, names, sizeof(names), &found) != 0 || found == NULL)
        return NULL;
    snprintf(buf, capacity, "%s", entry.pw_dir);
    return buf;
}

/* The folder $variable/name, or ~/fallback/name. */
static bool xdg_folder(const char *variable, const char *fallback, const char *name, char *buf,
                       size_t capacity)
{
    char home[FILE_PATH_MAX], base[FILE_PATH_MAX];
    const char *folder = absolute_env(variable);

    if (folder == NULL) {
        const char *own = home_folder(home, sizeof(home));

        if (own == NULL || !join_path(base, sizeof(base), own, fallback))
            return false;
        folder = base;
    }
    return join_path(buf, capacity, folder, name);
}

enum rc home_find(const char *given, struct home *ret, struct why *why)
{
    if (given == NULL || given[0] == '\0')
        given = getenv("ZCHAT_HOME");
    if (given != NULL && given[0] != '\0') {
        int len = snprintf(ret->config, sizeof(ret->config), "%s", given);

        if (len < 0 || (size_t)len >= sizeof(ret->config)) {
            why_set(why, "the name of the home folder is too long");
            return RC_SYSTEM;
        }
        memcpy(ret->state, ret->config, sizeof(ret->state));
        return RC_OK;
    }
    if (!xdg_folder("XDG_CONFIG_HOME", ".config", "zchat", ret->config, sizeof(ret->config)) ||
        !xdg_folder("XDG_STATE_HOME", ".local/state", "zchat", ret->state, sizeof(ret->state))) {
        why_set(why, "there is no home folder: set HOME, ZCHAT_HOME or --home");
        return RC_SYSTEM;
    }
    return RC_OK;
}

/* What lies in the folders and is ours: what others could read or put there, they could use. */
static enum rc check_files(const struct home *home, char why[static FILES_WHY_BYTES])
{
    static const struct {
        bool is_state, has_files; /* has_files: each of them is looked at, too */
        const char *name;
    } PLACES[] = {
        {false, false, ""},
        {true, false, ""},
        {false, false, "/keys"}, /* of the keys, the one that is used: home_key() */
        {false, false, "/known_brokers"},
        {false, false, "/known_brokers.lock"},
        {true, false, "/last_broker"},
        {true, false, "/last_nick"},
        {true, true, "/outbox"},
        {true, true, "/places"},
        {true, true, "/brokers"},
    };
    char path[FILE_PATH_MAX];

    for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", PLACES[i].is_state ? home->state : home->config,
                 PLACES[i].name);
        if ((PLACES[i].has_files ? files_check_folder : files_check)(path, why) != RC_OK)
            return RC_DENIED;
    }
    return RC_OK;
}

_Static_assert(sizeof(((struct why *)0)->text) >= FILES_WHY_BYTES, "room for what the checks say");

enum rc home_open(const char *given, struct home *ret, struct why *why)
{
    struct home home;
    enum rc rc = home_find(given, &home, why);

    if (rc != RC_OK)
        return rc;
    if (files_make_folder(home.config) != RC_OK) {
        why_set(why, "cannot make the folder %s: %s", home.config, strerror(errno));
        return RC_SYSTEM;
    }
    if (files_make_folder(home.state) != RC_OK) {
        why_set(why, "cannot make the folder %s: %s", home.state, strerror(errno));
        return RC_SYSTEM;
    }
    if (check_files(&home, why->text) != RC_OK)
        return RC_SYSTEM;
    *ret = home;
    return RC_OK;
}

/* The first line of a small file, without its newline. */
static enum rc read_line(const char *path, char *buf, size_t capacity, struct span *ret)
{
    size_t len;

    if (files_read(path, buf, capacity, &len, NULL) != RC_OK)
        return RC_END;
    buf[strcspn(buf, "\r\n")] = '\0';
    *ret = span_of(buf);
    return RC_OK;
}

static enum rc read_url(const char *path, struct broker_url *ret)
{
    char buf[URL_BYTES_MAX + 2];
    const char *ignored;
    struct span line;

    if (read_line(path, buf, sizeof(buf), &line) != RC_OK)
        return RC_END;
    return broker_url_parse(line, ret, &ignored) == RC_OK ? RC_OK : RC_END;
}

enum rc home_last_broker(const struct home *self, struct broker_url *ret)
{
    char path[FILE_PATH_MAX];

    if (!join_path(path, sizeof(path), self->state, "last_broker"))
        return RC_END;
    return read_url(path, ret);
}

enum rc home_last_nick(const struct home *self, struct name *ret)
{
    char path[FILE_PATH_MAX], buf[NAME_BYTES_MAX + 3];
    struct span line;

    if (!join_path(path, sizeof(path), self->state, "last_nick") ||
        read_line(path, buf, sizeof(buf), &line) != RC_OK)
        return RC_END;
    return name_parse(line, ret) == RC_OK ? RC_OK : RC_END;
}

/* Write one line unless it stands there already: most runs change nothing. */
static void remember(const struct home *self, const char *file, const char *text)
{
    char path[FILE_PATH_MAX], old[URL_BYTES_MAX + 2], line[URL_BYTES_MAX + 2];
    struct span was;

    if (!join_path(path, sizeof(path), self->state, file))
        return;
    if (read_line(path, old, sizeof(old), &was) == RC_OK && span_equal(was, span_of(text)))
        return;
    snprintf(line, sizeof(line), "%s\n", text);
    if (files_write(path, span_of(line), false) != RC_OK)
        return; /* a convenience: it costs an option next time */
}

void home_remember_broker(const struct home *self, const struct broker_url *url)
{
    struct broker_url kept = *url;
    char text[URL_BYTES_MAX];

    broker_url_strip_invite(&kept); /* protocol 2.1 */
    broker_url_format(&kept, text);
    remember(self, "last_broker", text);
}

void home_remember_nick(const struct home *self, const struct name *nick)
{
    remember(self, "last_nick", nick->text);
}

enum rc home_local_broker(struct broker_url *ret)
{
    char path[FILE_PATH_MAX];
    const char *runtime = absolute_env("XDG_RUNTIME_DIR");

    if (runtime != NULL && join_path(path, sizeof(path), runtime, "zchat/broker.url") &&
        read_url(path, ret) == RC_OK)
        return RC_OK;
    if (xdg_folder("XDG_STATE_HOME", ".local/state", "zchat-broker/broker.url", path,
                   sizeof(path)) &&
        read_url(path, ret) == RC_OK)
        return RC_OK;
    return RC_END;
}
