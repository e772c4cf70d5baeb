#include "broker/canonical.h"

enum rc canonicalise(struct message *message, struct canonical *ret)
{
    ret->skeleton = (struct span){NULL, 0};
    if (message_has(message, HAS_NICK)) {
        if (name_parse(message->nick, &ret->nick) != RC_OK)
            return RC_BAD_NAME;
        message->nick = name_text(&ret->nick);
        ret->skeleton = name_skeleton(&ret->nick);
    }
    if (message_has(message, HAS_STREAM)) {
        if (stream_name_parse(message->stream, &ret->stream) != RC_OK)
            return RC_BAD_NAME;
        message->stream = stream_name_text(&ret->stream);
        ret->skeleton = name_skeleton(&ret->stream.name);
    }
    if (message_has(message, HAS_FROM)) {
        if (name_parse(message->from, &ret->from) != RC_OK)
            return RC_BAD_NAME;
        message->from = name_text(&ret->from);
    }
    return RC_OK;
}
