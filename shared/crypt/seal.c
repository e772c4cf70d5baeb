#include "shared/crypt/seal.h"

#include "shared/base/invariant.h"

#include <sodium.h>

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define PLACE_BYTES 12 /* epoch, seq */
#define BOUND_MAX   (STREAM_BYTES_MAX + 1 + PLACE_BYTES)

_Static_assert(STREAM_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "stream key");
_Static_assert(STREAM_KEY_BYTES <= crypto_generichash_KEYBYTES_MAX, "stream key");
_Static_assert(SEAL_OVERHEAD_BYTES == NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "overhead");

enum rc seal_init(void)
{
    return sodium_init() < 0 ? RC_SYSTEM : RC_OK;
}

static void put_big_endian(unsigned char *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (unsigned char)(value >> 8 * (size - 1 - i));
}

static void put_place(unsigned char to[static PLACE_BYTES], const struct seal_place *place)
{
    put_big_endian(to, place->epoch, 4);
    put_big_endian(to + 4, place->seq, 8);
}

/* The associated data (protocol 7.4): the stream, a NUL, epoch and seq. Returns its length. */
static size_t put_bound(unsigned char to[static BOUND_MAX], const struct seal_place *place)
{
    const size_t len = place->stream.len;

    if (len > 0)
        memcpy(to, place->stream.ptr, len);
    to[len] = '\0';
    put_place(to + len + 1, place);
    return len + 1 + PLACE_BYTES;
}

static void derive_nonce(unsigned char nonce[static NONCE_BYTES], const unsigned char *key,
                         const struct seal_place *place, struct span plain)
{
    unsigned char numbers[PLACE_BYTES];
    crypto_generichash_state hash;

    put_place(numbers, place);
    crypto_generichash_init(&hash, key, STREAM_KEY_BYTES, NONCE_BYTES);
    crypto_generichash_update(&hash, numbers, sizeof numbers);
    crypto_generichash_update(&hash, (const unsigned char *)plain.ptr, plain.len);
    crypto_generichash_final(&hash, nonce, NONCE_BYTES);
    sodium_memzero(&hash, sizeof hash);
}

size_t seal_event(const unsigned char key[static STREAM_KEY_BYTES], const struct seal_place *place,
                  struct span plain, char *box)
{
    unsigned char *nonce = (unsigned char *)box;
    unsigned char bound[BOUND_MAX];
    unsigned long long sealed_len;

    INVARIANT(place->stream.len <= STREAM_BYTES_MAX);
    const size_t bound_len = put_bound(bound, place);

    derive_nonce(nonce, key, place, plain);
    crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_BYTES, &sealed_len,
                                               (const unsigned char *)plain.ptr, plain.len, bound,
                                               bound_len, NULL, nonce, key);
    return NONCE_BYTES + (size_t)sealed_len;
}

enum rc seal_open(const unsigned char key[static STREAM_KEY_BYTES], const struct seal_place *place,
                  struct span box, char *plain, size_t *ret_len)
{
    const unsigned char *nonce = (const unsigned char *)box.ptr;
    unsigned char bound[BOUND_MAX];
    unsigned long long len;

    if (box.len < SEAL_OVERHEAD_BYTES || place->stream.len > STREAM_BYTES_MAX)
        return RC_FORGED;
    const size_t bound_len = put_bound(bound, place);

    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)plain, &len, NULL,
                                                   nonce + NONCE_BYTES, box.len - NONCE_BYTES,
                                                   bound, bound_len, nonce, key) != 0)
        return RC_FORGED;
    *ret_len = (size_t)len;
    return RC_OK;
}
