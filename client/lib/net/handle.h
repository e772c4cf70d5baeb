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
    char broker[URL_BYTES_MAX];     /* never with an invitation */
    char invitation[URL_BYTES_MAX]; /* the one told last; wiped with the next tell */
    struct why trouble;
    bool is_up;
    zchat_rc refused; /* for good: why; 0: no */
    bool has_posted;
    bool is_service;
    unsigned tells_in_row;
    struct note note;
    struct keeper keeper;
};

#endif
