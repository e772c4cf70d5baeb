/* handle.h - what is behind a `struct zchat *`. */
#ifndef CLIENT_LIB_NET_HANDLE_H
#define CLIENT_LIB_NET_HANDLE_H

#include "client/lib/net/choice.h"
#include "client/lib/net/keeper.h"
#include "client/lib/net/note.h"
#include "client/lib/net/pump.h"

struct zchat {
    struct pump pump;
    struct home home;
    struct choice choice;
    struct name nick;
    uint64_t session;
    unsigned char public_key[PUBLIC_KEY_BYTES];
    struct roster roster;
    char broker[URL_BYTES_MAX];          /* never with an invitation */
    char brokers[BROKERS_BYTES_MAX + 1]; /* likewise: all */
    char place[URL_BYTES_MAX];           /* HOST:PORT of `broker`, while the link was up last */
    char invitation[URL_BYTES_MAX];      /* the one told last; wiped with the next tell */
    struct why trouble;
    bool is_up;
    zchat_rc refused; /* for good: why; 0: no */
    bool has_posted;
    bool is_service;
    unsigned tells_in_row;
    struct note note;
    struct keeper keeper;
};

extern _Thread_local struct why
    handle_why; /* the last sentence that a caller was, or may be, told */

/* zchat_link.c */
/* The addresses, for who asks. */
void handle_note_brokers(struct zchat *self);
/* The broker has proved its key and knows us. */
void handle_remember(struct zchat *self);
/* A tell of the link: with a sentence, where it needs one. */
void handle_note_link(struct zchat *self, struct zchat_event *event);

#endif
