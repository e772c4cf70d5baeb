/* said.c - looking at what a core has said on its stage. */
#include "tests/support/core/stage.h"

static bool is_reply(const struct said *said, peer_id peer, enum verb verb)
{
    return !said->is_taken && said->effect.kind == FX_REPLY && said->effect.peer.v == peer.v &&
           (verb == VERB_NONE || said->message.verb == verb);
}

const struct said *stage_take_reply(struct stage *self, peer_id peer, enum verb verb)
{
    for (struct said *said = self->said; said != NULL; said = said->next) {
        if (is_reply(said, peer, verb)) {
            said->is_taken = true;
            return said;
        }
    }
    return NULL;
}

const struct said *stage_take(struct stage *self, enum effect_kind kind)
{
    for (struct said *said = self->said; said != NULL; said = said->next) {
        if (!said->is_taken && said->effect.kind == kind) {
            said->is_taken = true;
            return said;
        }
    }
    return NULL;
}

const struct said *stage_take_topic(struct stage *self, const char *topic, enum verb verb)
{
    for (struct said *said = self->said; said != NULL; said = said->next) {
        if (!said->is_taken &&
            (said->effect.kind == FX_PUBLISH || said->effect.kind == FX_ANNOUNCE) &&
            span_equal(said->effect.name, span_of(topic)) &&
            (verb == VERB_NONE || said->message.verb == verb)) {
            said->is_taken = true;
            return said;
        }
    }
    return NULL;
}

size_t stage_count(const struct stage *self, enum effect_kind kind)
{
    size_t count = 0;

    for (const struct said *said = self->said; said != NULL; said = said->next)
        count += !said->is_taken && said->effect.kind == kind;
    return count;
}

size_t stage_count_replies(const struct stage *self, peer_id peer, enum verb verb)
{
    size_t count = 0;

    for (const struct said *said = self->said; said != NULL; said = said->next)
        count += is_reply(said, peer, verb);
    return count;
}
