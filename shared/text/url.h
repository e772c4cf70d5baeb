/* url.h - a broker's address: zchat://HOST:PORT?key=64-hex-digits, or
 * zchat+ipc:///path/to/socket?key=... ; no key means --insecure; with &invite=32-hex-digits, and perhaps
 * &nick=NICK, it is an invitation (protocol 2.1). */
#ifndef SHARED_TEXT_URL_H
#define SHARED_TEXT_URL_H

#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define URL_BYTES_MAX \
    1024 /* the longest host, a key, an invitation and a nick whose bytes are all encoded */

struct broker_url {
    char host[256]; /* host name (lower case), IPv4, or IPv6 with its brackets; or the ipc path */
    uint16_t port;  /* commands; broadcasts are on port + 1; 0 with ipc */
    bool is_ipc;    /* broadcasts are on the path with ".pub" behind it */
    bool has_key;
    unsigned char key[PUBLIC_KEY_BYTES]; /* the broker's CURVE public key */
    bool has_invite;
    unsigned char invite[INVITE_BYTES]; /* a secret: never kept once it was used */
    char nick[NAME_BYTES_MAX + 1];      /* whom the invitation is for; "": whoever brings it */
};

/* Parse; the port defaults to DEFAULT_PORT; unknown NAME=VALUE parts behind the ? are skipped, in an
 * ipc path and in a nick %XX is a byte. A nick is read into its canonical form, and only in an invitation. Hosts are ASCII, without zones. RC_BAD_URL: *ret is untouched, and *ret_why
 * (static) says what was wrong and what was expected. */
enum rc broker_url_parse(struct span given, struct broker_url *ret,
                         const char **ret_why) MUST_CHECK;

/* Format into buf; always NUL-terminated; buf must have URL_BYTES_MAX bytes. */
void broker_url_format(const struct broker_url *url, char *buf);

/* The libzmq endpoints ("tcp://host:port"); bufs must have URL_BYTES_MAX bytes. */
void broker_url_endpoints(const struct broker_url *url, char *ret_commands, char *ret_broadcasts);

/* True for addresses that never leave this machine: 127.0.0.0/8, ::1, localhost, ipc. */
bool broker_url_is_local(const struct broker_url *url);

/* The same host and port, or path, whatever the keys. */
bool broker_url_is_same_place(const struct broker_url *a, const struct broker_url *b);

/* The address without the invitation (token and nick): what may be kept and shown. */
void broker_url_strip_invite(struct broker_url *url);

/* A public key in words, for people who compare it by telephone: the first 12 bytes of the same hash as twelve
 * words of a list of 256, separated by spaces; buf must have KEY_WORDS_BYTES. */
#define KEY_WORDS_BYTES 128
void key_words(const unsigned char key[static PUBLIC_KEY_BYTES], char buf[static KEY_WORDS_BYTES]);

/* A public key's fingerprint for people: the first 16 bytes of its BLAKE2b-256 hash as
 * eight groups of four hex digits ("1f2e 33aa ..."); buf must have 40 bytes. */
void key_fingerprint(const unsigned char key[static PUBLIC_KEY_BYTES], char buf[static 40]);

/* 2 * len hex digits and a NUL. */
void hex_encode(const unsigned char *bytes, size_t len, char *ret);
/* RC_BAD_FIELD: not exactly 2 * len hex digits. */
enum rc hex_decode(struct span given, unsigned char *ret, size_t len) MUST_CHECK;

#endif
