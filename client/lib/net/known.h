/* known.h - the brokers this user has met: address and key, one a line in CONFIG/known_brokers.
 *
 * A known address with another key is a hard stop (protocol R-4): it is another machine, or one
 * in between. Brokers without a key (--insecure) are not kept. */
#ifndef CLIENT_LIB_NET_KNOWN_H
#define CLIENT_LIB_NET_KNOWN_H

#include "client/lib/net/home.h"

/* The key known for this address. RC_END: none. RC_SYSTEM: the file is there but not readable;
 * `why` says so, since trusting then would defeat the purpose. */
enum rc known_find(const struct home *self, const struct broker_url *url,
                   unsigned char ret_key[static PUBLIC_KEY_BYTES], struct why *why) MUST_CHECK;

/* Keep url's key for its address, in place of the one before. RC_SYSTEM with `why`. */
enum rc known_pin(const struct home *self, const struct broker_url *url,
                  struct why *why) MUST_CHECK;

/* The file's path, for sentences; buf has FILE_PATH_MAX bytes. */
void known_path(const struct home *self, char *buf);

#endif
