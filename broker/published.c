#include "broker/published.h"

#include "shared/wire/wire.h"

void published_note(struct history *history, struct span wire)
{
    struct wire_reader reader = wire_reader_over(wire, TO_EVERYBODY);
    struct message event;

    if (history == NULL || wire_read(&reader, &event) != RC_OK)
        return;
    history_write(history, &(struct history_record){
                               .kind = HISTORY_APPEND,
                               .stream = event.stream,
                               .seq = event.seq,
                               .session = message_has(&event, HAS_SESSION) ? event.session : 0,
                               .number = message_has(&event, HAS_NUMBER) ? event.number : 0,
                               .hash = message_has(&event, HAS_TEXT) ? history_hash(event.text) : 0,
                               .is_copy = message_has(&event, HAS_PEER_SEQ)});
}
