#include "shared/proto/verbs.h"

#include <stddef.h>

/* The HAS_... constants of message.h are no constant expressions in C17; this is. */
#define F(SYMBOL) (UINT64_C(1) << FIELD_##SYMBOL##_)

_Static_assert(FIELD_COUNT <= 64, "message.has is a set of 64 bits");

#define X(symbol, text) static const char name_##symbol[] = text;
VERB_TABLE(X)
#undef X

#define ROW(symbol, directions_, needed_, optional) \
    [VERB_##symbol] = {.name = name_##symbol,       \
                       .directions = (directions_), \
                       .needed = (needed_),         \
                       .allowed = (needed_) | (optional)}

/* Where a verb serves question and answer with different fields, what only the answer needs
 * stands under optional (head, mark): the asker's side checks it. */
static const struct verb_row verbs[VERB_COUNT] = {
    /* protocol 5 */
    ROW(HELLO, TO_BROKER, F(LOW) | F(HIGH) | F(NICK) | F(SESSION),
        F(INBOX) | F(AGENT) | F(INVITE) | F(NUMBER) | F(REF)),
    ROW(WELCOME, TO_CLIENT,
        F(VERSION) | F(NICK) | F(SESSION) | F(NEXT) | F(STREAM) | F(SEQ) | F(CONFIRMED) |
            F(WINDOW) | F(PING_EVERY) | F(EXPIRE) | F(TS),
        F(KEY) | F(EPOCH) | F(AGENT) | F(ROLE) | F(CHAT) | F(BROKERS) | F(REF)),
    ROW(BYE, TO_BROKER | TO_CLIENT, 0, F(RETRY)),
    /* protocol 6 */
    ROW(POST, TO_BROKER, F(NUMBER) | F(STREAM) | F(TEXT), F(KIND)),
    ROW(ACK, TO_CLIENT, F(NUMBER) | F(STREAM) | F(SEQ) | F(TS), F(OWN_SEQ)),
    ROW(EXPECT, TO_CLIENT, F(NEXT), 0),
    ROW(SKIP, TO_BROKER, F(NUMBER), 0),
    ROW(CONFIRM, TO_BROKER, F(STREAM) | F(SEQ), 0),
    /* protocol 7.1 */
    ROW(EVENT, TO_CLIENT | TO_EVERYBODY, F(STREAM) | F(SEQ) | F(TS) | F(TYPE) | F(FROM),
        F(TO) | F(TEXT) | F(KIND) | F(SESSION) | F(NUMBER) | F(PEER_SEQ) | F(UPTO) | F(ROOM) |
            F(UNTIL) | F(REF)),
    ROW(HEAD, TO_BROKER | TO_CLIENT | TO_EVERYBODY, F(STREAM), F(SEQ) | F(EPOCH) | F(KEY) | F(REF)),
    ROW(PROBE, TO_BROKER | TO_EVERYBODY, F(TOKEN), 0),
    /* protocol 7.2 */
    ROW(FETCH, TO_BROKER, F(STREAM), F(FIRST) | F(LAST) | F(SINCE) | F(CREDIT) | F(REF)),
    ROW(EVENTS, TO_CLIENT, F(STREAM) | F(FIRST) | F(LAST) | F(SEQ) | F(DONE), F(REF)),
    ROW(GONE, TO_CLIENT, F(STREAM) | F(FIRST) | F(SEQ), F(LAST) | F(REF)),
    /* protocol 7.3 */
    ROW(JOIN, TO_BROKER, F(STREAM), F(CREATE) | F(PRIVATE) | F(PERSISTENT) | F(REF)),
    ROW(JOINED, TO_CLIENT, F(STREAM) | F(SEQ) | F(PEOPLE),
        F(TOPIC) | F(PRIVATE) | F(PERSISTENT) | F(OP) | F(SECONDS) | F(EPOCH) | F(KEY) | F(REF)),
    ROW(LEAVE, TO_BROKER, F(STREAM), F(REF)),
    ROW(LEFT, TO_CLIENT, F(STREAM), F(REF)),
    ROW(ROOMS, TO_BROKER, 0, F(MINE) | F(CURSOR) | F(REF)),
    ROW(ROOM, TO_CLIENT, F(STREAM) | F(SEQ) | F(PEOPLE) | F(MEMBER),
        F(TOPIC) | F(PRIVATE) | F(PERSISTENT) | F(OP) | F(SECONDS) | F(REF)),
    ROW(WHO, TO_BROKER, 0, F(STREAM) | F(CURSOR) | F(REF)),
    ROW(PERSON, TO_CLIENT, F(NICK) | F(STATE) | F(DEVICES), F(STREAM) | F(ROLE) | F(OP) | F(REF)),
    ROW(END, TO_CLIENT, 0, F(CURSOR) | F(DONE) | F(REF)),
    /* protocol 7.4, 7.5 */
    ROW(SEALED, TO_EVERYBODY, F(STREAM) | F(SEQ) | F(EPOCH) | F(BOX), 0),
    ROW(MARK, TO_BROKER | TO_CLIENT, F(NAME) | F(STREAM), F(SEQ) | F(REF)),
    /* protocol 7.8 */
    ROW(SEARCH, TO_BROKER, 0,
        F(TEXT) | F(STREAM) | F(NICK) | F(FROM) | F(SINCE) | F(UNTIL) | F(CURSOR) | F(ROWS) |
            F(REF)),
    /* protocol 7.6 */
    ROW(TOPIC, TO_BROKER, F(STREAM) | F(TOPIC), F(REF)),
    ROW(MODE, TO_BROKER, F(STREAM), F(PRIVATE) | F(PERSISTENT) | F(SECONDS) | F(REF)),
    ROW(INVITE, TO_BROKER, F(STREAM) | F(NICK), F(REF)),
    ROW(OP, TO_BROKER, F(STREAM) | F(NICK), F(REF)),
    ROW(DEOP, TO_BROKER, F(STREAM) | F(NICK), F(REF)),
    ROW(KICK, TO_BROKER, F(STREAM) | F(NICK), F(TEXT) | F(REF)),
    ROW(BAN, TO_BROKER, 0, F(STREAM) | F(NICK) | F(KEY) | F(SECONDS) | F(TEXT) | F(REF)),
    ROW(UNBAN, TO_BROKER, 0, F(STREAM) | F(NICK) | F(KEY) | F(REF)),
    ROW(MUTE, TO_BROKER, F(STREAM) | F(NICK), F(SECONDS) | F(TEXT) | F(REF)),
    ROW(UNMUTE, TO_BROKER, F(STREAM) | F(NICK), F(REF)),
    ROW(BANS, TO_BROKER, 0, F(STREAM) | F(CURSOR) | F(REF)),
    ROW(BANNED, TO_CLIENT, F(STATE), F(STREAM) | F(NICK) | F(KEY) | F(UNTIL) | F(REF)),
    ROW(DONE, TO_CLIENT, 0,
        F(STREAM) | F(NICK) | F(SEQ) | F(NAME) | F(SIZE) | F(EVENTS) | F(SECONDS) | F(REF)),
    /* protocol 5.4 */
    ROW(BACKUP, TO_BROKER, F(NAME), F(REF)),
    ROW(PURGE, TO_BROKER, 0, F(STREAM) | F(NICK) | F(UNTIL) | F(REF)),
    /* protocol 5.3 */
    ROW(ADMIT, TO_BROKER, 0, F(NICK) | F(ROLE) | F(SECONDS) | F(DEVICE) | F(NAME) | F(REF)),
    ROW(INVITATION, TO_CLIENT, F(INVITE) | F(ROLE) | F(UNTIL), F(NICK) | F(REF)),
    ROW(DEVICES, TO_BROKER, 0, F(NICK) | F(REF)),
    ROW(DEVICE, TO_CLIENT, F(KEY) | F(TS), F(NAME) | F(MEMBER) | F(REF)),
    ROW(REVOKE, TO_BROKER, 0, F(NICK) | F(KEY) | F(REF)),
    ROW(ROLE, TO_BROKER, F(NICK) | F(ROLE), F(REF)),
    ROW(SESSIONS, TO_BROKER, 0, F(CURSOR) | F(REF)),
    ROW(SESSION, TO_CLIENT, F(NICK) | F(SESSION) | F(STATE) | F(TS), F(KEY) | F(NAME) | F(REF)),
    ROW(STATS, TO_BROKER, 0, F(CURSOR) | F(REF)),
    ROW(STAT, TO_CLIENT, F(NAME) | F(VALUE), F(REF)),
    /* protocol 5.5 */
    ROW(BROKERS, TO_BROKER, 0, F(CURSOR) | F(REF)),
    ROW(BROKER, TO_CLIENT, F(NAME) | F(STATE) | F(TS) | F(DEVICES),
        F(TOKEN) | F(ADDRESS) | F(AGENT) | F(MEMBER) | F(SINCE) | F(EXPIRE) | F(UPTO) | F(LAST) |
            F(REF)),
    /* protocol 8, 9 */
    ROW(PING, TO_BROKER, 0, F(REF) | F(AWAY)),
    ROW(PONG, TO_CLIENT, F(TS) | F(STREAM) | F(SEQ) | F(CONFIRMED), F(BROKERS) | F(REF)),
    ROW(ERROR, TO_CLIENT, F(CODE) | F(ERROR) | F(TEXT), F(REF) | F(NUMBER) | F(RETRY) | F(STREAM)),
};

static const struct field_row fields[FIELD_COUNT] = {
#define X(symbol, key_, type_, c_type, member, most_)   \
    [FIELD_##symbol##_] = {.key = (key_),               \
                           .key_len = sizeof(key_) - 1, \
                           .type = (type_),             \
                           .most = (most_),             \
                           .offset = offsetof(struct message, member)},
    MESSAGE_FIELDS(X)
#undef X
};

const struct verb_row *verb_row(enum verb verb)
{
    return verb > VERB_NONE && verb < VERB_COUNT ? &verbs[verb] : NULL;
}

const struct field_row *field_row(enum field field)
{
    return (unsigned)field < FIELD_COUNT ? &fields[field] : NULL;
}

/* Names and keys are looked up by length and one or two characters, and then compared once: this
 * is done for every pair of every message. The tests find a name that these switches forgot. */

/* clang-format off */
static enum verb verb_guess_o(const char *name)
{
    switch (name[3]) {
    case 'e':
        switch (name[0]) {
        case 'd': return VERB_DONE;
        case 'g': return VERB_GONE;
        case 'm': return VERB_MODE;
        default: return VERB_ROLE;
        }
    case 'g': return VERB_PONG;
    case 'm': return VERB_ROOM;
    case 'n': return VERB_JOIN;
    case 't': return VERB_POST;
    default: return VERB_NONE;
    }
}

static enum verb verb_guess_6(const char *name)
{
    switch (name[0]) {
    case 'b':
        switch (name[2]) {
        case 'n': return VERB_BANNED;
        case 'o': return VERB_BROKER;
        default: return VERB_BACKUP;
        }
    case 'd': return VERB_DEVICE;
    case 'e': return name[1] == 'v' ? VERB_EVENTS : VERB_EXPECT;
    case 'i': return VERB_INVITE;
    case 'j': return VERB_JOINED;
    case 'p': return VERB_PERSON;
    case 'r': return VERB_REVOKE;
    case 's': return name[3] == 'r' ? VERB_SEARCH : VERB_SEALED;
    case 'u': return VERB_UNMUTE;
    default: return VERB_NONE;
    }
}

static enum verb verb_guess(const char *name, size_t len)
{
    switch (len) {
    case 2: return VERB_OP;
    case 3:
        switch (name[0]) {
        case 'a': return VERB_ACK;
        case 'b': return name[1] == 'y' ? VERB_BYE : VERB_BAN;
        case 'e': return VERB_END;
        case 'w': return VERB_WHO;
        default: return VERB_NONE;
        }
    case 4:
        switch (name[1]) {
        case 'a': return name[0] == 'm' ? VERB_MARK : VERB_BANS;
        case 'e':
            switch (name[0]) {
            case 'h': return VERB_HEAD;
            case 'l': return VERB_LEFT;
            default: return VERB_DEOP;
            }
        case 'i': return name[0] == 'p' ? VERB_PING : VERB_KICK;
        case 'k': return VERB_SKIP;
        case 'o': return verb_guess_o(name);
        case 't': return VERB_STAT;
        case 'u': return VERB_MUTE;
        default: return VERB_NONE;
        }
    case 5:
        switch (name[0]) {
        case 'a': return VERB_ADMIT;
        case 'e': return name[1] == 'v' ? VERB_EVENT : VERB_ERROR;
        case 'f': return VERB_FETCH;
        case 'h': return VERB_HELLO;
        case 'l': return VERB_LEAVE;
        case 'p': return name[1] == 'r' ? VERB_PROBE : VERB_PURGE;
        case 'r': return VERB_ROOMS;
        case 's': return VERB_STATS;
        case 't': return VERB_TOPIC;
        case 'u': return VERB_UNBAN;
        default: return VERB_NONE;
        }
    case 6: return verb_guess_6(name);
    case 7:
        switch (name[0]) {
        case 'b': return VERB_BROKERS;
        case 'c': return VERB_CONFIRM;
        case 'd': return VERB_DEVICES;
        case 's': return VERB_SESSION;
        default: return VERB_WELCOME;
        }
    case 8: return VERB_SESSIONS;
    case 10: return VERB_INVITATION;
    default: return VERB_NONE;
    }
}

static enum field field_guess_4(const char *key)
{
    switch (key[0]) {
    case 'a': return FIELD_AWAY_;
    case 'c': return key[1] == 'o' ? FIELD_CODE_ : FIELD_CHAT_;
    case 'd': return FIELD_DONE_;
    case 'f': return FIELD_FROM_;
    case 'h': return FIELD_HIGH_;
    case 'k': return FIELD_KIND_;
    case 'l': return FIELD_LAST_;
    case 'm': return FIELD_MINE_;
    case 's': return FIELD_SIZE_;
    case 'n':
        switch (key[1]) {
        case 'a': return FIELD_NAME_;
        case 'e': return FIELD_NEXT_;
        default: return FIELD_NICK_;
        }
    case 'r': return key[2] == 'l' ? FIELD_ROLE_ : FIELD_ROOM_;
    case 't': return key[1] == 'e' ? FIELD_TEXT_ : FIELD_TYPE_;
    case 'u': return FIELD_UPTO_;
    default: return FIELD_COUNT;
    }
}

static enum field field_guess_5(const char *key)
{
    switch (key[0]) {
    case 'a': return FIELD_AGENT_;
    case 'c': return FIELD_ROWS_;
    case 'e': return key[1] == 'p' ? FIELD_EPOCH_ : FIELD_ERROR_;
    case 'f': return FIELD_FIRST_;
    case 'i': return FIELD_INBOX_;
    case 'r': return FIELD_RETRY_;
    case 's': return key[1] == 'i' ? FIELD_SINCE_ : FIELD_STATE_;
    case 't': return key[2] == 'k' ? FIELD_TOKEN_ : FIELD_TOPIC_;
    case 'u': return FIELD_UNTIL_;
    case 'v': return FIELD_VALUE_;
    default: return FIELD_COUNT;
    }
}

static enum field field_guess_6(const char *key)
{
    switch (key[0]) {
    case 'c':
        switch (key[2]) {
        case 'r': return FIELD_CURSOR_;
        default: return key[3] == 'a' ? FIELD_CREATE_ : FIELD_CREDIT_;
        }
    case 'd': return FIELD_DEVICE_;
    case 'e': return FIELD_EVENTS_;
    case 'i': return FIELD_INVITE_;
    case 'm': return FIELD_MEMBER_;
    case 'n': return FIELD_NUMBER_;
    case 'p': return FIELD_PEOPLE_;
    case 's': return FIELD_STREAM_;
    case 'w': return FIELD_WINDOW_;
    default: return FIELD_COUNT;
    }
}

static enum field field_guess(const char *key, size_t len)
{
    switch (len) {
    case 2:
        switch (key[1]) {
        case 'o': return FIELD_TO_;
        case 's': return FIELD_TS_;
        default: return FIELD_OP_;
        }
    case 3:
        switch (key[0]) {
        case 's': return FIELD_SEQ_;
        case 'r': return FIELD_REF_;
        case 'k': return FIELD_KEY_;
        case 'b': return FIELD_BOX_;
        default: return FIELD_LOW_;
        }
    case 4: return field_guess_4(key);
    case 5: return field_guess_5(key);
    case 6: return field_guess_6(key);
    case 7:
        switch (key[0]) {
        case 'a': return FIELD_ADDRESS_;
        case 'b': return FIELD_BROKERS_;
        case 's': return key[2] == 's' ? FIELD_SESSION_ : FIELD_SECONDS_;
        case 'o': return FIELD_OWN_SEQ_;
        case 'd': return FIELD_DEVICES_;
        case 'p': return key[1] == 'i' ? FIELD_PING_EVERY_ : FIELD_PRIVATE_;
        default: return FIELD_VERSION_;
        }
    case 8: return FIELD_PEER_SEQ_;
    case 9: return key[0] == 'c' ? FIELD_CONFIRMED_ : FIELD_EXPIRE_;
    case 10: return FIELD_PERSISTENT_;
    default: return FIELD_COUNT;
    }
}
/* clang-format on */

enum verb verb_from_name(struct span name)
{
    enum verb guess = verb_guess(name.ptr, name.len);

    /* A guess has the length it was made from. */
    if (guess == VERB_NONE || memcmp(verbs[guess].name, name.ptr, name.len) != 0)
        return VERB_NONE;
    return guess;
}

enum field field_from_key(struct span key)
{
    enum field guess = field_guess(key.ptr, key.len);

    if (guess == FIELD_COUNT || memcmp(fields[guess].key, key.ptr, key.len) != 0)
        return FIELD_COUNT;
    return guess;
}
