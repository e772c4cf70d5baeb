/* choice.h - which broker, with which key, and who one is: from what was given, the environment
 * and what this home remembers. Asks nothing of the network. */
#ifndef CLIENT_LIB_NET_CHOICE_H
#define CLIENT_LIB_NET_CHOICE_H

#include "client/lib/net/home.h"
#include "shared/text/url_list.h"

enum choice_source {
    CHOICE_GIVEN, /* --broker or $ZCHAT_BROKER */
    CHOICE_LAST,  /* the last one used */
    CHOICE_LOCAL, /* the file of this user's own broker */
};

struct choice {
    struct broker_url url;
    struct url_list others; /* that were given behind it */
    enum choice_source source;
    bool is_new_key; /* to be pinned once the broker has proved to hold it */
};

/* Choose the broker; `given` may be NULL, and an address, an invitation, or "@PATH": the file that holds one. Behind it others
 * may stand that serve the same chat, which must have keys as it must, and are no invitations. The url
 * chosen has the invitation's token and nick; whoever keeps or shows it strips them.
 *
 * The key: the file of the user's own broker is believed for its address, since only the same
 * user can write it; else what is pinned for the address; else what the address says.
 * RC_BAD_URL: not an address, or one of another machine without a key and none known.
 * RC_UNREACHABLE: none is known at all. RC_WRONG_BROKER: `why` has both fingerprints.
 * RC_SYSTEM: the file of known brokers, or PATH, is not readable; or PATH holds an invitation and others may read it. */
enum rc choice_broker(const struct home *home, const char *given, struct choice *ret,
                      struct why *why) MUST_CHECK;

/* The key of one more address, by what is pinned here: as above. */
enum rc choice_key(const struct home *home, struct broker_url *url, struct why *why) MUST_CHECK;

/* Choose the nick; `given` may be NULL. RC_BAD_NAME: `why` has the name. */
enum rc choice_nick(const struct home *home, const char *given, struct name *ret,
                    struct why *why) MUST_CHECK;

#endif
