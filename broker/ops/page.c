#include "broker/ops/page.h"

#include "shared/base/invariant.h"

#include <sodium.h>
#include <stdio.h>

#define HASH_TEXT_BYTES \
    sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL)

/* Made by cmake/Embed.cmake. */
extern const unsigned char page_data[];
extern const size_t page_data_len;

struct span page_html(void)
{
    return (struct span){(const char *)page_data, page_data_len};
}

/* Of what stands between two tags, as a browser hashes it. */
static void hash_between(const char *begin, const char *end, char ret[HASH_TEXT_BYTES])
{
    const struct span page = page_html();
    unsigned char hash[crypto_hash_sha256_BYTES];
    const char *from = memmem(page.ptr, page.len, begin, strlen(begin));

    INVARIANT(from != NULL);
    from += strlen(begin);
    const char *to = memmem(from, (size_t)(page.ptr + page.len - from), end, strlen(end));
    INVARIANT(to != NULL);
    (void)crypto_hash_sha256(hash, (const unsigned char *)from, (unsigned long long)(to - from));
    (void)sodium_bin2base64(ret, HASH_TEXT_BYTES, hash, sizeof(hash),
                            sodium_base64_VARIANT_ORIGINAL);
}

const char *page_policy(void)
{
    static char policy[512];
    char style[HASH_TEXT_BYTES], script[HASH_TEXT_BYTES];

    if (policy[0] != '\0')
        return policy;
    hash_between("<style>", "</style>", style);
    hash_between("<script>", "</script>", script);
    snprintf(
        policy, sizeof(policy),
        "default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        style, script);
    return policy;
}
