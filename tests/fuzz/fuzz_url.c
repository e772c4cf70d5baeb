/* fuzz_url.c - any bytes as a broker's address, and as a list of them. */
#include "shared/base/invariant.h"
#include "shared/text/url_list.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_list(struct span given)
{
    static struct url_list list, again;
    char text[BROKERS_BYTES_MAX + 1];
    const char *why = NULL;
    struct span part;

    if (url_list_parse(given, &list, &part, &why) != RC_OK) {
        INVARIANT(why != NULL && part.len > 0 && part.ptr >= given.ptr);
        return;
    }
    INVARIANT(list.count <= BROKERS_MAX);
    if (url_list_format(&list, text) != RC_OK)
        return;
    INVARIANT(url_list_parse(span_of(text), &again, &part, &why) == RC_OK);
    INVARIANT(again.count == list.count);
    for (size_t i = 0; i < list.count; i++)
        INVARIANT(broker_url_is_same_place(&list.item[i], &again.item[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span given = {(const char *)data, size};
    struct broker_url url, again;
    char text[URL_BYTES_MAX], commands[URL_BYTES_MAX], broadcasts[URL_BYTES_MAX];
    const char *why = NULL;

    read_list(given);
    if (broker_url_parse(given, &url, &why) != RC_OK) {
        INVARIANT(why != NULL && strlen(why) > 0);
        return 0;
    }
    INVARIANT(url.host[0] != '\0' && (url.is_ipc ? url.port == 0 : url.port >= 1));
    broker_url_format(&url, text);
    INVARIANT(broker_url_parse(span_of(text), &again, &why) == RC_OK);
    INVARIANT(strcmp(url.host, again.host) == 0 && url.port == again.port);
    INVARIANT(url.is_ipc == again.is_ipc && url.has_key == again.has_key);
    INVARIANT(memcmp(url.key, again.key, sizeof url.key) == 0);
    broker_url_endpoints(&url, commands, broadcasts);
    INVARIANT(strcmp(commands, broadcasts) != 0);
    INVARIANT(broker_url_is_local(&url) == broker_url_is_local(&again));
    return 0;
}
