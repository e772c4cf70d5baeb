#include "client/lib/sealed.h"

void sealed_take_key(struct follow_key *self, const struct message *message)
{
    if (!message_has(message, HAS_KEY | HAS_EPOCH) || message->key.len != STREAM_KEY_BYTES)
        return;
    if (!self->is_known || self->epoch != (uint32_t)message->epoch)
        self->ask_ms = 0;
    self->is_known = true;
    self->epoch = (uint32_t)message->epoch;
    memcpy(self->bytes, message->key.ptr, STREAM_KEY_BYTES);
}

const unsigned char *sealed_key(const struct follow_key *self, uint32_t epoch)
{
    return self->is_known && self->epoch == epoch ? self->bytes : NULL;
}

bool sealed_wants_head(struct follow_key *self, uint32_t epoch, uint64_t now_ms)
{
    if (self->is_known && epoch < self->epoch)
        return false;
    if (self->ask_ms != 0 && now_ms < self->ask_at_ms)
        return false;
    self->ask_ms = self->ask_ms == 0 ? KEY_ASK_MS : doubled_ms(self->ask_ms, KEY_ASK_MAX_MS);
    self->ask_at_ms = now_ms + self->ask_ms;
    return true;
}

void sealed_wipe(struct follow_key *self)
{
    explicit_bzero(self, sizeof(*self));
}
