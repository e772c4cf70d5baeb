#include "client/logger/amounts.h"

#include "shared/text/quantity.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WORD_BYTES 32

/* The next word of a list with commas; false: it is empty or too long. *text is NULL behind the last. */
static bool take_word(const char **text, char buf[static WORD_BYTES])
{
    const size_t len = strcspn(*text, ",");

    if (len == 0 || len >= WORD_BYTES)
        return false;
    memcpy(buf, *text, len);
    buf[len] = '\0';
    *text = (*text)[len] == ',' ? *text + len + 1 : NULL;
    return true;
}

static bool take_size(const char *word, uint64_t *ret)
{
    return quantity_size(word, 1, ret) == RC_OK && *ret > 0;
}

enum rc rotation_parse(const char *text, struct rotation *ret)
{
    struct rotation rotation = {.kind = ROTATE_NONE};
    char word[WORD_BYTES];

    if (strcmp(text, "none") == 0)
        text = NULL;
    while (text != NULL) {
        if (!take_word(&text, word))
            return RC_CONFIG;
        if (strcmp(word, "daily") == 0)
            rotation.kind = ROTATE_DAILY;
        else if (!take_size(word, &rotation.size_bytes))
            return RC_CONFIG;
        else if (rotation.kind == ROTATE_NONE)
            rotation.kind = ROTATE_SIZE;
    }
    *ret = rotation;
    return RC_OK;
}

/* One word of --keep: a number of files, of days, or a size. */
static bool take_limit(char *word, struct keep *keep)
{
    const size_t last = strlen(word) - 1;

    if (isdigit((unsigned char)word[last]))
        return quantity_number(word, UINT64_MAX, &keep->count) == RC_OK && keep->count > 0;
    if (word[last] != 'd' && word[last] != 'D')
        return take_size(word, &keep->size_bytes);
    word[last] = '\0';
    return quantity_number(word, 1000000, &keep->days) == RC_OK && keep->days > 0;
}

enum rc keep_parse(const char *text, struct keep *ret)
{
    struct keep keep = {.count = 0};
    char word[WORD_BYTES];

    if (strcmp(text, "all") == 0)
        text = NULL;
    while (text != NULL)
        if (!take_word(&text, word) || !take_limit(word, &keep))
            return RC_CONFIG;
    *ret = keep;
    return RC_OK;
}
