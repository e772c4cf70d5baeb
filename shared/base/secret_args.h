/* secret_args.h - invitations in arguments and environment, which other users can read in /proc. */
#ifndef SHARED_BASE_SECRET_ARGS_H
#define SHARED_BASE_SECRET_ARGS_H

#include <stdbool.h>

#define SECRET_ADVICE                                                                          \
    "an invitation in arguments or environment can be seen by others, and the shell keeps it " \
    "in its history: put it into a file of mode 0600 and give --broker @FILE"

/* Blot the tokens of invitations (zchat://...invite=TOKEN) out of the memory in which the system gave the words, and
 * the variable of that name. Early in main(), before there are threads: what argv points to then are copies,
 * and so is what secret_env() says of the variable; programs that we start get it without its token. True: there was
 * one. Until then it could be seen: tell people that a file is the better place. */
bool secret_take(int argc, char **argv, const char *variable);

/* The variable as it was given, or NULL; without a secret_take() of it, as getenv(). */
const char *secret_env(const char *variable);

#endif
