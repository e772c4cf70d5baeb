#include "broker/admission.h"

#include "shared/base/log.h"

#define LAST_WORDS_MS 300 /* for the ERROR to arrive before its connection ends */

enum rc admission_replay(struct keyring *keyring, const struct core *core)
{
    const unsigned char *key;
    bool is_admitted;
    enum rc rc = RC_OK;
    uint32_t row = 0;

    while (rc == RC_OK && (row = core_next_device(core, row, &key, &is_admitted)) != 0)
        rc = is_admitted ? keyring_admit(keyring, key) : keyring_expel(keyring, key);
    return rc;
}

void admission_admit(struct admission *self, const unsigned char *key)
{
    if (self->keyring != NULL && keyring_admit(self->keyring, key) != RC_OK)
        log_error("keyring.full", "a new device may not listen: raise devices-max");
}

static void end_first(struct admission *self)
{
    const size_t count = front_expel(self->front, self->waiting[self->first].key);

    log_info("key.expelled", "connections=%zu", count);
    self->first = (self->first + 1) % EXPELLED_WAITING_MAX;
    self->count--;
}

static void end_soon(struct admission *self, const unsigned char *key, uint64_t now_ms)
{
    if (self->count == EXPELLED_WAITING_MAX)
        end_first(self);
    const size_t last = (self->first + self->count) % EXPELLED_WAITING_MAX;
    memcpy(self->waiting[last].key, key, PUBLIC_KEY_BYTES);
    self->waiting[last].due_ms = now_ms + LAST_WORDS_MS;
    self->count++;
}

void admission_expel(struct admission *self, const unsigned char *key, uint64_t now_ms)
{
    if (self->keyring == NULL)
        return;
    if (keyring_expel(self->keyring, key) != RC_OK)
        log_error("keyring.full", "strangers are refused from now on: raise devices-max");
    self->must_cut = true;
    end_soon(self, key, now_ms);
}

void admission_meet(struct admission *self, const unsigned char *key, uint64_t now_ms)
{
    if (self->keyring != NULL && keyring_judge(self->keyring, key, DOOR_COMMANDS) == KEY_EXPELLED)
        end_soon(self, key, now_ms);
}

enum rc admission_turn(struct admission *self, uint64_t now_ms)
{
    enum rc rc = RC_OK;

    if (self->must_cut)
        rc = front_cut(self->front);
    self->must_cut = false;
    while (self->count > 0 && self->waiting[self->first].due_ms <= now_ms)
        end_first(self);
    return rc;
}

uint64_t admission_deadline_ms(const struct admission *self)
{
    return self->count == 0 ? UINT64_MAX : self->waiting[self->first].due_ms;
}
