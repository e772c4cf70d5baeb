#include "client/cli/pattern.h"

#include "shared/base/alloc.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PCRE2's own limit counts anew from every place in the text where a match may begin. Callouts, which it makes before
 * each item of the pattern, are counted over the whole text: some 50 ms. */
#define STEPS_MAX    2000000
#define MATCH_LIMIT  1000000 /* at one place */
#define HEAP_KIB_MAX 20480

struct pattern {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    unsigned steps;
};

static int on_step(pcre2_callout_block *block, void *context)
{
    struct pattern *self = context;

    (void)block;
    return ++self->steps > STEPS_MAX ? PCRE2_ERROR_CALLOUT : 0;
}

enum rc pattern_new(const char *regex, bool ignores_case, struct pattern **ret,
                    char why[static PATTERN_WHY_BYTES])
{
    const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_MATCH_INVALID_UTF |
                             PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT |
                             (ignores_case ? PCRE2_CASELESS : 0);
    struct pattern *self = x_alloc(1, sizeof(*self));
    unsigned char told[160] = "";
    PCRE2_SIZE at;
    int error;

    self->code = pcre2_compile((PCRE2_SPTR)regex, strlen(regex), options, &error, &at, NULL);
    if (self->code == NULL) {
        pcre2_get_error_message(error, told, sizeof(told));
        snprintf(why, PATTERN_WHY_BYTES, "%s, at character %zu", (const char *)told, at + 1);
        free(self);
        return RC_CONFIG;
    }
    self->data = pcre2_match_data_create_from_pattern(self->code, NULL);
    self->context = pcre2_match_context_create(NULL);
    if (self->data == NULL || self->context == NULL) {
        pattern_destroy(&self);
        snprintf(why, PATTERN_WHY_BYTES, "there is no memory for it");
        return RC_CONFIG;
    }
    pcre2_set_match_limit(self->context, MATCH_LIMIT);
    pcre2_set_heap_limit(self->context, HEAP_KIB_MAX);
    pcre2_set_callout(self->context, on_step, self);
    *ret = self;
    return RC_OK;
}

void pattern_destroy(struct pattern **self_p)
{
    struct pattern *self = *self_p;

    if (self == NULL)
        return;
    pcre2_match_context_free(self->context);
    pcre2_match_data_free(self->data);
    pcre2_code_free(self->code);
    free(self);
    *self_p = NULL;
}

enum pattern_result pattern_match(struct pattern *self, struct span text)
{
    const char *ptr = text.ptr == NULL ? "" : text.ptr;
    int found;

    self->steps = 0;
    found = pcre2_match(self->code, (PCRE2_SPTR)ptr, text.len, 0, 0, self->data, self->context);
    if (found >= 0)
        return PATTERN_YES;
    return found == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_GAVE_UP;
}
