/* seal.h - sealed streams: events that everybody may carry and only those with the
 * stream's key may read (protocol 7.4).
 *
 * XChaCha20-Poly1305 (libsodium aead). The nonce is BLAKE2b-24 of (epoch, seq, the plaintext)
 * keyed with the stream key, so a republished event gives the same bytes, and two different texts never
 * share a nonce even if a sequence number were ever given twice. The nonce travels in front of the
 * box. Stream name, epoch and seq are bound as associated data. */
#ifndef SHARED_CRYPT_SEAL_H
#define SHARED_CRYPT_SEAL_H

#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdint.h>

#define SEAL_OVERHEAD_BYTES 40 /* nonce 24, tag 16 */

struct seal_place {
    struct span stream; /* "@alice" */
    uint32_t epoch;
    uint64_t seq;
};

/* Once per process, before anything else here; RC_SYSTEM: libsodium has no randomness. */
enum rc seal_init(void) MUST_CHECK;

/* Seal `plain` into box (capacity at least plain.len + SEAL_OVERHEAD_BYTES); returns its length. */
size_t seal_event(const unsigned char key[static STREAM_KEY_BYTES], const struct seal_place *place,
                  struct span plain, char *box);

/* Open; plain must have box.len bytes. RC_FORGED: wrong key, place or bytes. */
enum rc seal_open(const unsigned char key[static STREAM_KEY_BYTES], const struct seal_place *place,
                  struct span box, char *plain, size_t *ret_len) MUST_CHECK;

#endif
