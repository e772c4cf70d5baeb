/* nicks.h - who is in a room, by name. Pure. */
#ifndef CLIENT_TUI_NICKS_H
#define CLIENT_TUI_NICKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NICKS_MAX 5000 /* of a room that are kept */

struct nicks {
    char **nick; /* sorted; names cannot hold what hurts a terminal */
    size_t count, capacity;
    uint32_t ref; /* of the question that is not answered yet; 0: none */
    bool is_known;
};

void nicks_fini(struct nicks *self);
void nicks_put(struct nicks *self, const char *nick);  /* twice is harmless */
void nicks_drop(struct nicks *self, const char *nick); /* likewise */

#endif
