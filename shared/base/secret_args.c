#include "shared/base/secret_args.h"

#include "shared/base/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MARK "invite="

/* Taken once a process, before there are threads; they live as long as it does. */
static struct {
    const char *variable;
    char *value;
} taken;

/* The first token in an address of ours; NULL: there is none. */
static char *find_token(char *text)
{
    char *address = strcasestr(text, "zchat://");
    char *local = strcasestr(text, "zchat+ipc://");
    char *mark;

    if (address == NULL || (local != NULL && local < address))
        address = local;
    mark = address == NULL ? NULL : strcasestr(address, MARK);
    return mark == NULL ? NULL : mark + strlen(MARK);
}

/* All of them. Where one ends can be wrong in what is no address: too much is blotted out, not too little. */
static void blot(char *text)
{
    for (char *token = find_token(text); token != NULL; token = find_token(token)) {
        for (; *token != '\0' && *token != '&' && !isspace((unsigned char)*token); token++)
            *token = '.';
    }
}

/* The address without the parts that are invitations. */
static void cut(char *address)
{
    char *token;

    while ((token = find_token(address)) != NULL) {
        char *begin = token - strlen(MARK);
        const char *end = token + strcspn(token, "&");

        if (*end == '&')
            end++; /* the separator before the part is the next one's */
        else if (begin > address)
            begin--;
        memmove(begin, end, strlen(end) + 1);
    }
}

static bool take_variable(const char *variable)
{
    char *given = getenv(variable), *clean;

    if (given == NULL || find_token(given) == NULL)
        return false;
    taken.variable = variable;
    taken.value = x_strdup(given);
    clean = x_strdup(given);
    cut(clean);
    blot(given);
    if (setenv(variable, clean, 1) != 0)
        (void)unsetenv(variable);
    free(clean);
    return true;
}

bool secret_take(int argc, char **argv, const char *variable)
{
    bool is_found = take_variable(variable);

    for (int i = 1; i < argc; i++) {
        char *given = argv[i];

        if (find_token(given) == NULL)
            continue;
        argv[i] = x_strdup(given);
        blot(given);
        is_found = true;
    }
    return is_found;
}

const char *secret_env(const char *variable)
{
    return taken.value != NULL && strcmp(taken.variable, variable) == 0 ? taken.value
                                                                        : getenv(variable);
}
