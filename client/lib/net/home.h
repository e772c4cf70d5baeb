/* home.h - the user's folders: where keys, known brokers and the last choices lie.
 *
 * With --home or $ZCHAT_HOME everything is in one folder; else the XDG ones: configuration in
 * ~/.config/zchat, state in ~/.local/state/zchat. Files: CONFIG/keys/NICK.key,
 * CONFIG/known_brokers, STATE/last_broker, STATE/last_nick, STATE/brokers/; CONFIG/zchat.conf is client/conf's. */
#ifndef CLIENT_LIB_NET_HOME_H
#define CLIENT_LIB_NET_HOME_H

#include "shared/base/files.h"
#include "client/lib/net/why.h"
#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/text/name.h"
#include "shared/text/url.h"

#include <stdbool.h>

struct home {
    char config[FILE_PATH_MAX - 512]; /* leaves room for the file names behind it */
    char state[FILE_PATH_MAX - 512];
};

/* Where the folders are, or would be. `given` may be NULL. RC_SYSTEM: `why`. */
enum rc home_find(const char *given, struct home *ret, struct why *why) MUST_CHECK;

/* Find the folders and make the missing ones (0700). `given` may be NULL.
 * RC_SYSTEM: `why` names the folder, or the first file of ours that others may use (files_check()). */
enum rc home_open(const char *given, struct home *ret, struct why *why) MUST_CHECK;

/* The broker and the nick that were used last. RC_END: none, or what was kept is not readable. */
enum rc home_last_broker(const struct home *self, struct broker_url *ret) MUST_CHECK;
enum rc home_last_nick(const struct home *self, struct name *ret) MUST_CHECK;

/* Remember them; failing at that is no reason to stop, so it is not told. */
void home_remember_broker(const struct home *self, const struct broker_url *url);
void home_remember_nick(const struct home *self, const struct name *nick);

/* The address in the file of the broker that this user runs here. RC_END: there is none. */
enum rc home_local_broker(struct broker_url *ret) MUST_CHECK;

#endif
