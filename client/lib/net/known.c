#include "client/lib/net/known.h"

#include "shared/base/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KNOWN_FILE_MAX (1024 * 1024)
#define ADDRESS_MAX    300

void known_path(const struct home *self, char *buf)
{
    snprintf(buf, FILE_PATH_MAX, "%s/known_brokers", self->config);
}

static void address_of(const struct broker_url *url, char buf[static ADDRESS_MAX])
{
    if (url->is_ipc)
        snprintf(buf, ADDRESS_MAX, "ipc:%s", url->host);
    else
        snprintf(buf, ADDRESS_MAX, "%s:%u", url->host, (unsigned)url->port);
}

/* Read the file into a new text. RC_END: there is none yet. */
static enum rc load(const struct home *self, char **ret, struct why *why)
{
    char path[FILE_PATH_MAX];
    char *text = x_alloc(KNOWN_FILE_MAX, 1);
    size_t len;
    enum rc rc;

    known_path(self, path);
    rc = files_read(path, text, KNOWN_FILE_MAX, &len, NULL);
    if (rc == RC_OK) {
        *ret = text;
        return RC_OK;
    }
    if (rc == RC_SYSTEM && errno == ENOENT)
        rc = RC_END;
    else
        why_set(why, "cannot read %s, which holds the keys of known brokers: %s", path,
                rc == RC_SYSTEM ? strerror(errno) : "it is too big or belongs to another user");
    free(text);
    return rc == RC_END ? RC_END : RC_SYSTEM;
}

/* Split the next line "ADDRESS KEY"; false at the end. Lines that are something else have a key of length 0. */
static bool next_line(const char **at, struct span *ret_line, struct span *ret_address,
                      struct span *ret_key)
{
    const char *end, *space;

    if (**at == '\0')
        return false;
    end = strchrnul(*at, '\n');
    *ret_line = (struct span){*at, (size_t)(end - *at)};
    space = memrchr(ret_line->ptr, ' ', ret_line->len);
    if (space == NULL) {
        *ret_address = *ret_line;
        *ret_key = (struct span){end, 0};
    } else {
        *ret_address = (struct span){*at, (size_t)(space - *at)};
        *ret_key = (struct span){space + 1, (size_t)(end - space) - 1};
    }
    *at = *end == '\n' ? end + 1 : end;
    return true;
}

enum rc known_find(const struct home *self, const struct broker_url *url,
                   unsigned char ret_key[static PUBLIC_KEY_BYTES], struct why *why)
{
    char address[ADDRESS_MAX];
    struct span line, name, key;
    char *text = NULL;
    const char *at;
    enum rc rc = load(self, &text, why);

    if (rc != RC_OK)
        return rc;
    address_of(url, address);
    rc = RC_END;
    at = text;
    while (rc == RC_END && next_line(&at, &line, &name, &key)) {
        if (!span_equal(name, span_of(address)))
            continue;
        rc = hex_decode(key, ret_key, PUBLIC_KEY_BYTES);
        if (rc != RC_OK) {
            char path[FILE_PATH_MAX];

            known_path(self, path);
            why_set(why, "the line of %s in %s is damaged: correct or remove it", address, path);
            rc = RC_SYSTEM;
        }
    }
    free(text);
    return rc;
}

enum rc known_pin(const struct home *self, const struct broker_url *url, struct why *why)
{
    char path[FILE_PATH_MAX], lock_path[FILE_PATH_MAX + 8];
    char address[ADDRESS_MAX], hex[2 * PUBLIC_KEY_BYTES + 1];
    struct span line, name, key;
    char *text = NULL, *renewed = NULL;
    const char *at;
    size_t size, len = 0;
    enum rc rc;
    int lock;

    known_path(self, path);
    snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
    lock = files_lock(lock_path); /* two first runs at once must not lose a line */
    if (lock < 0) {
        why_set(why, "cannot lock %s: %s", lock_path, strerror(errno));
        return RC_SYSTEM;
    }
    rc = load(self, &text, why);
    if (rc == RC_SYSTEM)
        goto out;
    address_of(url, address);
    hex_encode(url->key, PUBLIC_KEY_BYTES, hex);
    size = (text == NULL ? 0 : strlen(text)) + sizeof(address) + sizeof(hex) + 4;
    renewed = x_alloc(size, 1);
    at = text == NULL ? "" : text;
    while (next_line(&at, &line, &name, &key)) {
        if (span_equal(name, span_of(address)))
            continue;
        memcpy(renewed + len, line.ptr, line.len);
        len += line.len;
        renewed[len++] = '\n';
    }
    len += (size_t)snprintf(renewed + len, size - len, "%s %s\n", address, hex);
    rc = files_write(path, (struct span){renewed, len}, false);
    if (rc != RC_OK)
        why_set(why, "cannot write %s: %s", path, strerror(errno));
out:
    free(renewed);
    free(text);
    close(lock);
    return rc;
}
