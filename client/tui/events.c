/* events.c - what the broker tells becomes what the desk shows. */
#include "client/tui/session.h"

#include "client/tui/mention.h"
#include "client/tui/notify.h"

#include "shared/base/clock.h"
#include "shared/text/clean.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- messages --------------------------------------------------------------------- */

/* Who the other one is. */
static const char *peer_of(const struct session *self, const struct zchat_event *event)
{
    return strcmp(event->from, self->desk.nick) == 0 ? event->to : event->from;
}

static struct buffer *buffer_of(struct session *self, const struct zchat_event *event)
{
    char name[STREAM_BYTES_MAX + 2];

    if (event->stream[0] == '#')
        return desk_open(&self->desk, event->stream);
    if (strcmp(event->type, "message") != 0 && strcmp(event->type, "receipt") != 0)
        return self->desk.buffer[0];
    snprintf(name, sizeof(name), "@%s", peer_of(self, event));
    return desk_open(&self->desk, name);
}

/* An own post of this run turns into its place. */
static bool take_own(struct session *self, struct buffer *buffer, const struct zchat_event *event)
{
    struct item *item;

    if (event->session != zchat_session(self->talk.chat))
        return false;
    item = buffer_find_number(buffer, event->number);
    if (item == NULL || item->seq != 0)
        return item != NULL;
    item->peer_seq = event->peer_seq;
    if (item->state == ITEM_WAITING || item->state == ITEM_FAILED)
        item->state = ITEM_STORED;
    buffer_stored(buffer, item, event->seq, event->ts_ms);
    return true;
}

/* Said before this run began. */
static bool is_missed(const struct backlog *backlog, uint64_t seq)
{
    return backlog->name[0] == '#' ? seq <= backlog->head : !backlog->is_live;
}

static void on_message(struct session *self, struct buffer *buffer, const struct zchat_event *event,
                       bool is_new)
{
    const struct backlog *backlog = session_backlog(self, event->stream);
    const bool is_own = strcmp(event->from, self->desk.nick) == 0;
    const bool is_notice = strcmp(event->message_kind, "notice") == 0;
    const struct span text = {event->text, event->text_len};
    struct item_given given = {
        .kind = is_notice ? ITEM_NOTICE : ITEM_MESSAGE,
        .state = is_own ? ITEM_STORED : ITEM_NONE,
        .seq = event->seq,
        .ts_ms = event->ts_ms,
        .peer_seq = event->peer_seq,
        .is_own = is_own,
        .from = event->from,
        .text = text,
    };
    struct item *item;

    if ((is_own && take_own(self, buffer, event)) ||
        (!is_own && talk_is_ignored(&self->talk, event->from)))
        return;
    given.is_mention =
        !is_own && buffer->kind == BUFFER_ROOM && mention_find(text, span_of(self->desk.nick));
    item = buffer_add(buffer, &given);
    if (item == NULL || !is_new || is_own)
        return;
    if (notify_is_due(&self->desk, buffer, item, self->is_away_from_keys))
        notify_add(&self->notices, buffer, item);
    desk_note_new(&self->desk, buffer, item, backlog != NULL && is_missed(backlog, event->seq));
}

static void on_receipt(struct session *self, const struct zchat_event *event)
{
    char name[STREAM_BYTES_MAX + 2];
    struct buffer *buffer;

    snprintf(name, sizeof(name), "@%s", event->from);
    buffer = desk_find(&self->desk, name);
    if (buffer != NULL)
        buffer_delivered(buffer, event->upto);
}

/* --- everything else that happens -------------------------------------------------- */

static void on_topic(struct buffer *buffer, const struct zchat_event *event, bool is_new)
{
    if (is_new && buffer->kind == BUFFER_ROOM)
        clean_copy(buffer->topic, sizeof(buffer->topic),
                   (struct span){event->text, event->text_len});
}

static void add_happening(struct session *self, struct buffer *buffer,
                          const struct zchat_event *event, bool is_new)
{
    struct item *item;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return;
    print_what(out, &self->talk.style, event);
    fclose(out);
    item = buffer_add(buffer, &(struct item_given){.kind = ITEM_EVENT,
                                                   .seq = event->seq,
                                                   .ts_ms = event->ts_ms,
                                                   .text = span_of(text)});
    free(text);
    if (item == NULL || !is_new || buffer->kind != BUFFER_PROGRAM)
        return;
    item->is_mention = true; /* an invitation, a ban: it is about this person */
    notify_add(&self->notices, buffer, item);
    if (buffer != desk_current(&self->desk))
        buffer_note_unread(buffer, item);
}

static void on_happening(struct session *self, struct buffer *buffer,
                         const struct zchat_event *event, bool is_new)
{
    const bool is_join = strcmp(event->type, "join") == 0;

    if (is_join || strcmp(event->type, "leave") == 0) {
        buffer_add_fold(buffer, event->seq, event->ts_ms, event->from, is_join);
        if (is_new)
            session_person(self, event->stream, event->from, is_join);
        return;
    }
    if (strcmp(event->type, "topic") == 0)
        on_topic(buffer, event, is_new);
    if (strcmp(event->type, "kick") == 0 || strcmp(event->type, "ban") == 0)
        session_person(self, event->stream, event->to, false);
    if (print_is_told(&self->talk.style, event))
        add_happening(self, buffer, event, is_new);
}

static void on_event(struct session *self, const struct zchat_event *event)
{
    struct backlog *backlog = session_backlog(self, event->stream);
    const bool is_history = backlog != NULL && backlog->first != 0 && event->seq < backlog->first;
    const bool is_new = !is_history && (backlog == NULL || event->seq > backlog->read);
    struct buffer *buffer = strcmp(event->type, "receipt") == 0 ? NULL : buffer_of(self, event);

    if (backlog != NULL && !is_history) {
        if (backlog->first == 0)
            backlog->first = event->seq;
        if (event->seq > backlog->last)
            backlog->last = event->seq;
    }
    if (event->stream[0] == '@')
        unshown_add(&self->unshown, event->seq, event->seq);
    if (buffer == NULL)
        on_receipt(self, event);
    else if (strcmp(event->type, "message") == 0)
        on_message(self, buffer, event, is_new);
    else
        on_happening(self, buffer, event, is_new);
    if (is_new && event->stream[0] == '#')
        talk_room_event(&self->talk, event);
}

static void on_gap(struct session *self, const struct zchat_event *event)
{
    struct backlog *backlog = session_backlog(self, event->stream);
    const bool is_room = event->stream[0] == '#';
    struct buffer *buffer = is_room ? desk_open(&self->desk, event->stream) : self->desk.buffer[0];
    const struct item *next;
    char text[160];

    snprintf(text, sizeof(text), "%s %" PRIu64 " to %" PRIu64 " are no longer kept by the broker",
             is_room ? "events" : "private messages and notices", event->first, event->last);
    next = is_room ? buffer_find_seq(buffer, event->last + 1) : NULL;
    buffer_add(buffer, &(struct item_given){.kind = ITEM_GAP,
                                            .seq = is_room ? event->last : 0,
                                            .ts_ms = next != NULL ? next->ts_ms : self->desk.now_ms,
                                            .text = span_of(text)});
    if (!is_room)
        unshown_add(&self->unshown, event->first, event->last);
    if (backlog == NULL)
        return;
    if (backlog->first == 0 || event->last < backlog->first || event->first <= backlog->first)
        backlog->is_beginning = true;
    if (backlog->first == 0)
        backlog->first = event->last + 1;
    if (event->last > backlog->last)
        backlog->last = event->last;
}

static void on_live(struct session *self, const struct zchat_event *event)
{
    struct backlog *backlog = session_backlog(self, event->stream);

    if (backlog == NULL)
        return;
    if (backlog->asked != 0 && event->seq < backlog->first) {
        backlog->first = backlog->asked;
        backlog->asked = 0;
        self->desk.hint[0] = '\0';
        return;
    }
    if (backlog->first == 0)
        backlog->first = event->seq + 1;
    if (event->seq > backlog->last)
        backlog->last = event->seq;
    if (!backlog->is_live && event->stream[0] == '@')
        session_own_is_live(self, backlog);
    backlog->is_live = true;
}

/* --- own posts -------------------------------------------------------------------- */

/* A run that was killed has left it; it is sent now. */
static void on_restored(struct session *self, const struct zchat_event *event)
{
    const struct span text = {event->text, event->text_len};

    self->restored++;
    own_posts_add(&self->talk.posts, event->number, event->stream, text, cli_now_ms());
    session_face.posted(&self->talk, event->number, event->stream, text);
}

static void tell_failed(struct session *self, struct buffer *buffer,
                        const struct zchat_event *event)
{
    char text[256];

    if (event->rc == RC_TOO_OLD)
        snprintf(text, sizeof(text), "perhaps sent, perhaps not: what became of it is not known");
    else
        snprintf(text, sizeof(text), "%s%s; /retry %" PRIu32 " sends it again",
                 event->post == ZCHAT_FAILED ? "not sent: " : "no answer yet",
                 event->post == ZCHAT_FAILED ? zchat_strerror(event->rc) : "", event->number);
    desk_remark(&self->desk, buffer, text);
}

static void set_state(struct session *self, struct buffer *buffer, struct item *item,
                      const struct zchat_event *event)
{
    switch (event->post) {
    case ZCHAT_WAITING:
        if (event->rc != 0)
            session_hint(self, "waiting: %s", waiting_sentence((enum rc)event->rc));
        break;
    case ZCHAT_STORED:
        if (item->state != ITEM_DELIVERED)
            item->state = ITEM_STORED;
        if (buffer->kind == BUFFER_ROOM && item->seq == 0)
            buffer_stored(buffer, item, event->seq, event->ts_ms);
        break;
    case ZCHAT_DELIVERED:
        item->state = ITEM_DELIVERED;
        break;
    default:
        if (item->state == ITEM_WAITING) {
            item->state = ITEM_FAILED;
            tell_failed(self, buffer, event);
        }
        break;
    }
}

static void on_post(struct session *self, const struct zchat_event *event)
{
    struct own_post *post = own_posts_find(&self->talk.posts, event->number);
    struct buffer *buffer;
    struct item *item;

    if (post == NULL && event->post == ZCHAT_WAITING && event->rc == 0) {
        on_restored(self, event);
        return;
    }
    if (post == NULL)
        return;
    post->state = event->post;
    buffer = desk_open(&self->desk, post->target);
    item = buffer_find_number(buffer, event->number);
    if (item != NULL)
        set_state(self, buffer, item, event);
    if (event->post == ZCHAT_DELIVERED || (event->post == ZCHAT_STORED && post->target[0] == '#'))
        own_posts_remove(&self->talk.posts, post);
}

/* --- the link --------------------------------------------------------------------- */

static void tell_move(struct desk *desk, const char *place)
{
    char text[600];

    snprintf(text, sizeof(text), "the link is back (another broker: %s)", place);
    desk_remark(desk, desk_current(desk), text);
}

static void on_link(struct session *self, const struct zchat_event *event)
{
    struct desk *desk = &self->desk;
    const enum desk_link before = desk->link;

    desk->link = event->link == ZCHAT_LINK_UP        ? DESK_UP
                 : event->link == ZCHAT_LINK_REFUSED ? DESK_REFUSED
                                                     : DESK_DOWN;
    desk->has_round_trip = false;
    desk->trouble[0] = '\0';
    if (desk->link == DESK_UP) {
        self->ping_ms = 0;
        talk_ask_renew(&self->talk);
        self->cli.is_up = self->cli.was_up = true;
        if (event->text[0] != '\0')
            tell_move(desk, event->text);
        return;
    }
    self->cli.is_up = false;
    if (event->rc != 0 && event->text[0] == '\0')
        snprintf(desk->trouble, sizeof(desk->trouble), "%s", zchat_strerror(event->rc));
    else
        clean_copy(desk->trouble, sizeof(desk->trouble), span_of(event->text));
    if (desk->link == DESK_REFUSED && before != DESK_REFUSED)
        desk_remark(desk, desk->buffer[0], desk->trouble);
}

static void on_answer(struct session *self, const struct zchat_event *event)
{
    if (event->ref != 0 && event->ref == self->ping_ref) {
        self->ping_ref = 0;
        self->desk.has_round_trip = event->rc == 0;
        self->desk.round_trip_ms = event->round_trip_ms;
        return;
    }
    if (event->ref == 0 && event->rc != 0)
        session_stop_looking(self, event->stream);
    if (!session_take_person(self, event))
        (void)talk_answer(&self->talk, event);
}

void session_event(struct session *self, const struct zchat_event *event)
{
    switch (event->kind) {
    case ZCHAT_NONE:
        return;
    case ZCHAT_LINK:
        on_link(self, event);
        break;
    case ZCHAT_EVENT:
        on_event(self, event);
        break;
    case ZCHAT_GAP:
        on_gap(self, event);
        break;
    case ZCHAT_LIVE:
        on_live(self, event);
        break;
    case ZCHAT_POST:
        on_post(self, event);
        break;
    case ZCHAT_ROOM:
        (void)talk_answer(&self->talk, event);
        break;
    case ZCHAT_PERSON:
        if (!session_take_person(self, event))
            (void)talk_answer(&self->talk, event);
        break;
    case ZCHAT_ANSWER:
        on_answer(self, event);
        break;
    default:
        (void)talk_answer(&self->talk, event);
        break;
    }
    self->is_dirty = true;
}
