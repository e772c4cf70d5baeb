/* rc.h - every result code, its number on the wire and its sentence.
 *
 * Numbers below 100 travel in ERROR (protocol 9) and never change meaning.
 * Numbers from 100 are ours alone and never travel. */
#ifndef SHARED_BASE_RC_H
#define SHARED_BASE_RC_H

#include <stdbool.h>

/* X(symbol, number, name on the wire, sentence) */
#define RC_TABLE(X)                                                                              \
    X(RC_OK, 0, "ok", "done")                                                                    \
    X(RC_MALFORMED, 1, "malformed", "the frame is not well-formed MessagePack of this protocol") \
    X(RC_UNKNOWN_VERB, 2, "unknown_verb", "this verb is not known here")                         \
    X(RC_BAD_FIELD, 3, "bad_field", "a field is missing, of the wrong type or out of range")     \
    X(RC_TOO_BIG, 4, "too_big", "the frame, the text or a field is larger than allowed")         \
    X(RC_VERSION, 5, "version", "no protocol version is spoken by both sides")                   \
    X(RC_HELLO_FIRST, 6, "hello_first", "say HELLO first")                                       \
    X(RC_NOT_LET_IN, 7, "not_let_in", "this broker does not let new people in")                  \
    X(RC_NICK_IN_USE, 8, "nick_in_use", "this nick belongs to another key")                      \
    X(RC_BAD_NAME, 9, "bad_name", "a name is 1 to 32 letters, digits, - or _ of one script")     \
    X(RC_CONFUSABLE, 10, "confusable", "this name looks like one that is taken")                 \
    X(RC_NO_SUCH_ROOM, 11, "no_such_room", "there is no such room")                              \
    X(RC_NO_SUCH_NICK, 12, "no_such_nick", "there is nobody of that nick")                       \
    X(RC_NOT_MEMBER, 13, "not_member", "join the room first")                                    \
    X(RC_ROOM_FULL, 14, "room_full", "the room is full")                                         \
    X(RC_LIMIT, 15, "limit", "a limit of the broker is reached")                                 \
    X(RC_BUSY, 16, "busy", "the broker is behind; try again a little later")                     \
    X(RC_DISK_FULL, 17, "disk_full", "the broker's disk is full; nothing new is accepted")       \
    X(RC_DENIED, 18, "denied", "you may not do that")                                            \
    X(RC_TOO_OLD, 19, "too_old", "answered long ago; the answer is no longer kept")              \
    X(RC_SESSION_TAKEN, 20, "session_taken", "this session belongs to somebody else")            \
    X(RC_BAD_TEXT, 21, "bad_text", "the text is empty or is not valid UTF-8")                    \
    X(RC_VOIDED, 22, "voided", "this number was given up and will never be stored")              \
    X(RC_WRONG_NICK, 23, "wrong_nick", "this key belongs to another nick")                       \
    X(RC_STOPPING, 24, "stopping", "the broker is stopping")                                     \
    X(RC_TOO_FAST, 25, "too_fast", "you ask too much at once; try again a little later")         \
    X(RC_BAD_INVITE, 26, "bad_invite", "the invitation is not known, used up or over")           \
    X(RC_REVOKED, 27, "revoked", "this key was revoked here")                                    \
    X(RC_BANNED, 28, "banned", "you are banned here")                                            \
    X(RC_MUTED, 29, "muted", "you may not write in this room now")                               \
    X(RC_PRIVATE, 30, "private", "this room is private; one of its operators must invite you")   \
    X(RC_MAILBOX_FULL, 31, "mailbox_full", "the recipient has too many unread messages")         \
    X(RC_NO_SEARCH, 32, "no_search", "this broker does not search now")                          \
    X(RC_EXISTS, 33, "exists", "there is something of that name already")                        \
    X(RC_FAILED, 34, "failed", "the broker could not do it; its log says why")                   \
    /* ours alone */                                                                             \
    X(RC_END, 100, "end", "nothing more to read")                                                \
    X(RC_NO_SPACE, 101, "no_space", "the buffer is too small")                                   \
    X(RC_CONFIG, 102, "config", "the configuration is not valid")                                \
    X(RC_SYSTEM, 103, "system", "the system refused; errno says why")                            \
    X(RC_STORE, 104, "store", "the store failed; what was not answered is unknown")              \
    X(RC_TIMEOUT, 105, "timeout", "no answer in time; the state is unknown")                     \
    X(RC_UNREACHABLE, 106, "unreachable", "the broker cannot be reached")                        \
    X(RC_WRONG_BROKER, 107, "wrong_broker", "the broker's key is not the one known here")        \
    X(RC_BAD_URL, 108, "bad_url", "a broker's address is zchat://HOST:PORT?key=64-hex-digits")   \
    X(RC_BAD_KEY_FILE, 109, "bad_key_file", "the key file is damaged or readable by others")     \
    X(RC_FORGED, 110, "forged", "the seal does not match")

enum rc {
#define X(symbol, number, name, sentence) symbol = (number),
    RC_TABLE(X)
#undef X
};

/* A caller that ignores this result is refused by the compiler. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* The code's name as it travels ("nick_in_use"), and its sentence, without a
 * full stop. Both are static; an unknown number gives "unknown". */
const char *rc_name(enum rc rc);
const char *rc_sentence(enum rc rc);

/* True for codes that may travel in ERROR. */
bool rc_is_wire(enum rc rc);

/* True when the same command may succeed later without being changed
 * (BUSY, DISK_FULL, STOPPING, TOO_FAST): such an answer does not consume a post's number. */
bool rc_is_transient(enum rc rc);

/* The code of that number, or RC_MALFORMED when this version does not know it. */
enum rc rc_from_number(unsigned long number);

#endif
