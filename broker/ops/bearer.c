#include "broker/ops/bearer.h"

#include "shared/base/files.h"
#include "shared/text/url.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <strings.h>

#define TOKEN_BYTES 32

static enum rc make_token(const char *path, char *why)
{
    unsigned char bytes[TOKEN_BYTES];
    char line[2 * TOKEN_BYTES + 2];

    randombytes_buf(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), line);
    line[sizeof(line) - 2] = '\n';
    const enum rc rc = files_write(path, (struct span){line, sizeof(line) - 1}, true);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(line, sizeof(line));
    if (rc == RC_OK || rc == RC_END)
        return RC_OK;
    snprintf(why, FOLDER_WHY_BYTES, "cannot write %.512s: %s", path, strerror(errno));
    return RC_SYSTEM;
}

static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return len >= BEARER_BYTES_MIN && len <= BEARER_BYTES_MAX;
}

static enum rc read_token(struct bearer *self, const char *path, char *why)
{
    char line[BEARER_BYTES_MAX + 4];
    size_t len = 0;

    if (files_check(path, why) != RC_OK)
        return RC_CONFIG;
    enum rc rc = files_read(path, line, sizeof(line), &len, NULL);
    if (rc == RC_SYSTEM || rc == RC_DENIED) {
        snprintf(why, FOLDER_WHY_BYTES, "cannot read the token of the metrics page in %.512s: %s",
                 path, rc == RC_SYSTEM ? strerror(errno) : "it belongs to somebody else");
        return RC_SYSTEM;
    }
    if (rc == RC_OK && len > 0 && line[len - 1] == '\n')
        len--;
    if (rc == RC_OK && is_token(line, len)) {
        memcpy(self->token, line, len);
        self->token[len] = '\0';
    } else {
        rc = RC_CONFIG;
        snprintf(
            why, FOLDER_WHY_BYTES,
            "%.512s holds no token: one line of %d to %d visible ASCII characters was expected",
            path, BEARER_BYTES_MIN, BEARER_BYTES_MAX);
    }
    sodium_memzero(line, sizeof(line));
    return rc;
}

enum rc bearer_load(struct bearer *self, const char *path, const char *folder,
                    char why[static FOLDER_WHY_BYTES])
{
    char own[FILE_PATH_MAX];

    if (path[0] != '\0')
        return read_token(self, path, why);
    snprintf(own, sizeof(own), "%s/metrics.token", folder);
    const enum rc rc = make_token(own, why);
    return rc == RC_OK ? read_token(self, own, why) : rc;
}

void bearer_forget(struct bearer *self)
{
    sodium_memzero(self, sizeof(*self));
}

static void hash(const char *text, unsigned char ret[crypto_generichash_BYTES])
{
    (void)crypto_generichash(ret, crypto_generichash_BYTES, (const unsigned char *)text,
                             strlen(text), NULL, 0);
}

bool bearer_is_shown(const struct bearer *self, const char *authorization)
{
    unsigned char own[crypto_generichash_BYTES], shown[crypto_generichash_BYTES];

    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
        return false;
    authorization += 7;
    while (*authorization == ' ')
        authorization++;
    /* Hashes have one length, so that not even the token's can be measured. */
    hash(self->token, own);
    hash(authorization, shown);
    return sodium_memcmp(own, shown, sizeof(own)) == 0;
}
