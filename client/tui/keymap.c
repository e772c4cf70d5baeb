#include "client/tui/keymap.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/text/clean.h"

#include <stdio.h>
#include <stdlib.h>

struct binding {
    char key[KEYNAME_BYTES];
    enum action action;
    bool is_own; /* not a default */
};

struct keymap {
    struct binding item[KEYMAP_KEYS_MAX];
    size_t count;
};

/* Take the next word off the front. */
static bool next_word(struct span *rest, struct span *ret)
{
    size_t at = 0, len = 0;

    while (at < rest->len && rest->ptr[at] == ' ')
        at++;
    while (at + len < rest->len && rest->ptr[at + len] != ' ')
        len++;
    *ret = (struct span){rest->ptr + at, len};
    *rest = (struct span){rest->ptr + at + len, rest->len - at - len};
    return len > 0;
}

/* Where the key stands; self->count: nowhere. */
static size_t find(const struct keymap *self, const char *key)
{
    size_t i = 0;

    while (i < self->count && strcmp(self->item[i].key, key) != 0)
        i++;
    return i;
}

struct keymap *keymap_new(void)
{
    struct keymap *self = x_alloc(1, sizeof *self);
    char why[KEYNAME_WHY_BYTES];

    for (enum action action = ACTION_NONE + 1; action < ACTIONS; action++) {
        struct span rest = span_of(action_row(action)->keys), word;

        while (next_word(&rest, &word)) {
            struct binding *binding = &self->item[self->count++];
            const enum rc rc = keyname_parse(word, binding->key, why);

            INVARIANT(rc == RC_OK && self->count < KEYMAP_KEYS_MAX); /* the table is ours */
            binding->action = action;
        }
    }
    return self;
}

void keymap_destroy(struct keymap **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

enum action keymap_find(const struct keymap *self, const char *key)
{
    const size_t at = find(self, key);

    return at == self->count ? ACTION_NONE : self->item[at].action;
}

/* --- binding ------------------------------------------------------------------------------ */

static struct span trim(struct span text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = (struct span){text.ptr + 1, text.len - 1};
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* The `=` between: the first that is not the key's own ("M-= = find"). */
static bool split(struct span binding, struct span *ret_key, struct span *ret_action)
{
    const struct span whole = trim(binding);
    size_t from = 0;

    if (whole.len > 0 && whole.ptr[0] == '=')
        from = 1;
    for (size_t i = from; i < whole.len; i++) {
        if (whole.ptr[i] != '=' || (i > 0 && whole.ptr[i - 1] == '-' && i + 1 < whole.len &&
                                    memchr(whole.ptr + i + 1, '=', whole.len - i - 1) != NULL))
            continue;
        *ret_key = trim((struct span){whole.ptr, i});
        *ret_action = trim((struct span){whole.ptr + i + 1, whole.len - i - 1});
        return ret_key->len > 0;
    }
    return false;
}

static enum rc refuse(char why[static KEYMAP_WHY_BYTES], const char *what, struct span given,
                      const char *expected)
{
    char shown[64];

    clean_copy(shown, sizeof shown, given);
    snprintf(why, KEYMAP_WHY_BYTES, "%s '%s'; expected %s", what, shown, expected);
    return RC_CONFIG;
}

static size_t count_of(const struct keymap *self, enum action action)
{
    size_t count = 0;

    for (size_t i = 0; i < self->count; i++)
        count += self->item[i].action == action;
    return count;
}

static enum rc set(struct keymap *self, const char *key, enum action action,
                   char why[static KEYMAP_WHY_BYTES])
{
    const size_t at = find(self, key);
    struct binding *binding = at == self->count ? NULL : &self->item[at];

    if (binding != NULL && binding->is_own && binding->action != action) {
        snprintf(why, KEYMAP_WHY_BYTES, "%s is bound twice: to %s and to %s", key,
                 binding->action == ACTION_NONE ? "none" : action_row(binding->action)->name,
                 action == ACTION_NONE ? "none" : action_row(action)->name);
        return RC_CONFIG;
    }
    if (binding != NULL && binding->action == ACTION_SEND && action != ACTION_SEND &&
        count_of(self, ACTION_SEND) == 1) {
        snprintf(why, KEYMAP_WHY_BYTES,
                 "without %s no key would send; bind another key to send before", key);
        return RC_CONFIG;
    }
    if (binding == NULL && self->count == KEYMAP_KEYS_MAX) {
        snprintf(why, KEYMAP_WHY_BYTES, "more than %d keys are bound", KEYMAP_KEYS_MAX);
        return RC_CONFIG;
    }
    if (binding == NULL) {
        binding = &self->item[self->count++];
        snprintf(binding->key, sizeof binding->key, "%s", key);
    }
    binding->action = action;
    binding->is_own = true;
    return RC_OK;
}

enum rc keymap_bind(struct keymap *self, struct span binding, char why[static KEYMAP_WHY_BYTES])
{
    struct span given_key, given_action;
    char key[KEYNAME_BYTES], key_why[KEYNAME_WHY_BYTES];
    enum action action;

    if (!split(binding, &given_key, &given_action))
        return refuse(why, "no binding:", binding, "KEY = ACTION, like C-x = undo");
    if (keyname_parse(given_key, key, key_why) != RC_OK) {
        snprintf(why, KEYMAP_WHY_BYTES, "%s", key_why);
        return RC_CONFIG;
    }
    action = action_of_name(given_action);
    if (action == ACTION_NONE && !span_equal(given_action, SPAN("none")))
        return refuse(why, "no such action:", given_action,
                      "an action as the card of keys names it, or none");
    return set(self, key, action, why);
}

/* --- telling ------------------------------------------------------------------------------- */

void keymap_keys(const struct keymap *self, enum action action, char *buf, size_t capacity)
{
    size_t len = 0;

    if (capacity == 0)
        return;
    buf[0] = '\0';
    for (size_t i = 0; i < self->count; i++) {
        const size_t key_len = strlen(self->item[i].key), blank = len > 0;

        if (self->item[i].action != action)
            continue;
        if (len + blank + key_len >= capacity)
            return;
        len += (size_t)snprintf(buf + len, capacity - len, "%s%s", blank > 0 ? " " : "",
                                self->item[i].key);
    }
}
