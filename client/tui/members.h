/* members.h - who is in a room, by name. Pure. */
#ifndef CLIENT_TUI_MEMBERS_H
#define CLIENT_TUI_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMBERS_MAX 5000 /* of a room that are kept */

struct members {
    char **nick; /* sorted; names cannot hold what hurts a terminal */
    size_t count, capacity;
    uint32_t ref; /* of the question that is not answered yet; 0: none */
    bool is_known;
};

void members_fini(struct members *self);
void members_put(struct members *self, const char *nick);  /* twice is harmless */
void members_drop(struct members *self, const char *nick); /* likewise */

#endif
