/* command.h - the commands of the chat, one table for both of its faces. */
#ifndef CLIENT_CLI_COMMAND_H
#define CLIENT_CLI_COMMAND_H

#include "client/cli/talk.h"

/* What a line says: "/join #lobby" is a command, "//x" the message "/x", anything else a message to the target. */
void command_take(struct talk *self, struct span line);

/* The table, for help and completion: the names in order; NULL behind the last. */
struct command_help {
    const char *name, *usage, *does;
};
const struct command_help *command_at(size_t index);

/* The first word into buf (cut when longer); returns what stands behind it. */
const char *command_next_word(const char *at, char *buf, size_t capacity);

/* Run the room that lines go to: "kick", "mode" ... with the words behind the command. */
void command_order(struct talk *self, const char *what, const char *words);

#endif
