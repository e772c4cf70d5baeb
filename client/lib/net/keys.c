#include "client/lib/net/keys.h"

#include "shared/crypt/seal.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A key file is three lines: "zchat key 1", "public HEX", "secret HEX". */
#define KEY_FILE_HEAD "zchat key 1\n"
#define KEY_FILE_MAX  512

static void format_key(const struct key_pair *key, char buf[static KEY_FILE_MAX])
{
    char public_hex[2 * PUBLIC_KEY_BYTES + 1], secret_hex[2 * PUBLIC_KEY_BYTES + 1];

    hex_encode(key->public_key, PUBLIC_KEY_BYTES, public_hex);
    hex_encode(key->secret_key, PUBLIC_KEY_BYTES, secret_hex);
    snprintf(buf, KEY_FILE_MAX, KEY_FILE_HEAD "public %s\nsecret %s\n", public_hex, secret_hex);
    sodium_memzero(secret_hex, sizeof(secret_hex));
}

/* The hex digits behind `label` on the line at *at; *at moves behind the line. */
static bool take_key(const char **at, const char *label, unsigned char *ret)
{
    size_t label_len = strlen(label);
    const char *end = strchr(*at, '\n');

    if (end == NULL || strncmp(*at, label, label_len) != 0)
        return false;
    *at += label_len;
    if (hex_decode((struct span){*at, (size_t)(end - *at)}, ret, PUBLIC_KEY_BYTES) != RC_OK)
        return false;
    *at = end + 1;
    return true;
}

static bool parse_key(const char *text, struct key_pair *ret)
{
    unsigned char proof[PUBLIC_KEY_BYTES];

    if (strncmp(text, KEY_FILE_HEAD, sizeof(KEY_FILE_HEAD) - 1) != 0)
        return false;
    text += sizeof(KEY_FILE_HEAD) - 1;
    if (!take_key(&text, "public ", ret->public_key) ||
        !take_key(&text, "secret ", ret->secret_key) || *text != '\0')
        return false;
    /* A flipped bit in either half would only show as a handshake that never ends. */
    return crypto_scalarmult_base(proof, ret->secret_key) == 0 &&
           memcmp(proof, ret->public_key, sizeof(proof)) == 0;
}

static enum rc load_key(const char *path, struct key_pair *ret, struct why *why)
{
    char text[KEY_FILE_MAX];
    mode_t mode = 0;
    size_t len = 0;
    enum rc rc;

    if (files_check(path, why->text) != RC_OK)
        return RC_BAD_KEY_FILE;
    rc = files_read(path, text, sizeof(text), &len, &mode);

    if (rc == RC_SYSTEM) {
        int problem = errno;

        why_set(why, "cannot read the key file %s: %s", path, strerror(problem));
        errno = problem;
        return RC_SYSTEM;
    }
    if (rc != RC_OK || strlen(text) != len || !parse_key(text, ret)) {
        why_set(why,
                "the key file %s (mode %04o) is damaged: put a copy back, or move it away and be "
                "somebody new",
                path, (unsigned)(mode & 07777));
        rc = RC_BAD_KEY_FILE;
    }
    sodium_memzero(text, sizeof(text));
    return rc;
}

/* RC_END: another process of ours made one meanwhile. */
static enum rc make_key(const char *path, struct why *why)
{
    char text[KEY_FILE_MAX];
    struct key_pair key;
    enum rc rc;

    crypto_box_keypair(key.public_key, key.secret_key);
    format_key(&key, text);
    rc = files_write(path, span_of(text), true);
    sodium_memzero(text, sizeof(text));
    sodium_memzero(&key, sizeof(key));
    if (rc == RC_SYSTEM)
        why_set(why, "cannot write the key file %s: %s", path, strerror(errno));
    return rc;
}

enum rc home_key(const struct home *self, const struct name *nick, struct key_pair *ret,
                 struct why *why)
{
    char path[FILE_PATH_MAX];
    struct key_pair key;
    enum rc rc;

    if (seal_init() != RC_OK) {
        why_set(why, "this system has no random numbers");
        return RC_SYSTEM;
    }
    snprintf(path, sizeof(path), "%s/keys", self->config);
    if (files_make_folder(path) != RC_OK) {
        why_set(why, "cannot make the folder %s: %s", path, strerror(errno));
        return RC_SYSTEM;
    }
    /* A nick holds letters, digits, - and _ only: it is a file name as it stands. */
    snprintf(path, sizeof(path), "%s/keys/%s.key", self->config, nick->text);
    rc = load_key(path, &key, why);
    if (rc == RC_SYSTEM && errno == ENOENT) {
        rc = make_key(path, why);
        if (rc != RC_OK && rc != RC_END)
            return rc;
        rc = load_key(path, &key, why);
    }
    if (rc == RC_OK)
        *ret = key;
    sodium_memzero(&key, sizeof(key));
    return rc;
}

enum rc keys_temporary(struct key_pair *ret)
{
    if (seal_init() != RC_OK)
        return RC_SYSTEM;
    return crypto_box_keypair(ret->public_key, ret->secret_key) == 0 ? RC_OK : RC_SYSTEM;
}
