/* url_list.h - the addresses of brokers that serve one chat (protocol 5.5), as people and programs write them down. */
#ifndef SHARED_TEXT_URL_LIST_H
#define SHARED_TEXT_URL_LIST_H

#include "shared/text/url.h"

#include <stddef.h>

struct url_list {
    size_t count;
    struct broker_url item[BROKERS_MAX];
};

/* Parse addresses that commas or white space separate; none at all are none. One that stands there again counts once: the
 * first of a place is taken. RC_BAD_URL: *ret is untouched, *ret_part (in `given`) is what was wrong, and *ret_why
 * (static) says why. */
enum rc url_list_parse(struct span given, struct url_list *ret, struct span *ret_part,
                       const char **ret_why) MUST_CHECK;

/* Separated by single spaces, as they travel; invitations never do. RC_TOO_BIG: more than BROKERS_BYTES_MAX bytes. */
enum rc url_list_format(const struct url_list *self,
                        char buf[static BROKERS_BYTES_MAX + 1]) MUST_CHECK;

/* The index of the address of that place, whatever its key; `count` when it is not there. */
size_t url_list_find(const struct url_list *self, const struct broker_url *url);

/* Put one more behind the others, unless its place is there already or the list is full; true when it was put. */
bool url_list_add(struct url_list *self, const struct broker_url *url);

#endif
