#include "client/cli/diagnosis.h"

#include "shared/text/clean.h"
#include "shared/text/json.h"

#include <stdarg.h>
#include <stdio.h>

#define FOUND_BYTES 2048

static const char *const STATES[] = {"ok", "warn", "fail"};

void diagnosis_tell(struct diagnosis *self, enum diagnosis_state state, enum exit_code code,
                    const char *check, const char *mend, const char *format, ...)
{
    char found[FOUND_BYTES];
    struct json json;
    va_list args;

    va_start(args, format);
    vsnprintf(found, sizeof(found), format, args);
    va_end(args);
    if (state == DIAGNOSIS_FAIL && self->code == EXIT_DONE)
        self->code = code;
    if (self->is_json) {
        json_open(&json, stdout);
        json_text(&json, "check", span_of(check));
        json_text(&json, "state", span_of(STATES[state]));
        json_text(&json, "found", span_of(found));
        json_text(&json, "mend", span_of(mend));
        json_close(&json);
        return;
    }
    printf("%-5s %-11s ", STATES[state], check);
    clean_write(stdout, span_of(found), false, "");
    printf("%s%s\n", mend[0] == '\0' ? "" : "  --  ", mend);
    (void)fflush(stdout);
}

const char *diagnosis_mend(enum rc rc)
{
    static const struct {
        enum rc rc;
        const char *mend;
    } TABLE[] = {
        {RC_NOT_LET_IN, "ask an owner or operator for an invitation (zchat invite NICK), and start "
                        "`zchat --broker INVITATION` once"},
        {RC_BAD_INVITE, "invitations are good once and for a time: ask for a new one"},
        {RC_NICK_IN_USE, "take another one with --nick; if it is you, run `zchat device add` where "
                         "you have it"},
        {RC_CONFUSABLE, "take another nick with --nick"},
        {RC_WRONG_NICK, "say --nick with the one that this key has, or use another --home"},
        {RC_REVOKED,
         "this device was removed: run `zchat device add` on another one of yours, or ask for an "
         "invitation, and use a new --home"},
        {RC_BANNED, "an operator of the broker has to lift it: zchat admin unban"},
        {RC_VERSION, "install the same version of zchat and zchat-broker, the newer one"},
        {RC_LIMIT,
         "the broker has no room for more: its operator raises accounts-max or sessions-max"},
        {RC_DISK_FULL, "the broker's disk is full: its operator makes room"},
        {RC_BUSY, "it passes: try again in a while"},
        {RC_TOO_FAST, "it passes: try again in a while"},
        {RC_STOPPING, "it restarts: try again in a while"},
        {RC_WRONG_BROKER, "compare the fingerprint with the broker's owner (there: zchat key); the "
                          "address must have "
                          "the key that the broker prints"},
    };

    for (size_t i = 0; i < sizeof(TABLE) / sizeof(TABLE[0]); i++) {
        if (TABLE[i].rc == rc)
            return TABLE[i].mend;
    }
    return "its log says more: journalctl -u zchat-broker";
}
