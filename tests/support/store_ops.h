/* store_ops.h - operations in few words. Include after check.h.
 *
 * Names are ASCII here, so a name is its own skeleton. */
#ifndef TESTS_SUPPORT_STORE_OPS_H
#define TESTS_SUPPORT_STORE_OPS_H

#include "tests/support/store_box.h"

static BOX_UNUSED struct op op_hello(struct box *self, const char *nick, unsigned char key,
                                     uint64_t session)
{
    struct op op = {.kind = OP_HELLO,
                    .ticket = {7},
                    .ts_ms = ++self->now_ms,
                    .nick = span_of(nick),
                    .skeleton = span_of(nick),
                    .session = {session}};

    memset(op.key, key, sizeof(op.key));
    return op;
}

/* Somebody's account, made when it is not there. Everybody's key is made of the nick. */
static BOX_UNUSED stream_id person(struct box *self, const char *nick)
{
    struct op op = op_hello(self, nick, 1, 0);

    snprintf((char *)op.key, sizeof(op.key), "%s", nick);
    assert_int_equal(box_apply(self, &op), RC_OK);
    return self->result.stream;
}

static BOX_UNUSED struct op op_post(struct box *self, const char *nick, stream_id account,
                                    const char *name, stream_id stream, uint64_t session,
                                    uint32_t number, const char *text)
{
    return (struct op){.kind = OP_POST,
                       .ticket = {9},
                       .ts_ms = ++self->now_ms,
                       .nick = span_of(nick),
                       .account = account,
                       .stream = stream,
                       .name = span_of(name),
                       .session = {session},
                       .number = number,
                       .text = span_of(text),
                       .kind_name = SPAN("message")};
}

static BOX_UNUSED struct op op_void(struct box *self, stream_id account, uint64_t session,
                                    uint32_t number, enum rc refusal)
{
    return (struct op){.kind = OP_VOID,
                       .ts_ms = ++self->now_ms,
                       .account = account,
                       .session = {session},
                       .number = number,
                       .refusal = refusal};
}

static BOX_UNUSED struct op op_join(struct box *self, const char *nick, stream_id account,
                                    const char *name, stream_id stream)
{
    return (struct op){.kind = OP_JOIN,
                       .ts_ms = ++self->now_ms,
                       .nick = span_of(nick),
                       .account = account,
                       .stream = stream,
                       .name = span_of(name),
                       .skeleton = span_of(name + 1)};
}

static BOX_UNUSED struct op op_leave(struct box *self, const char *nick, stream_id account,
                                     const char *name, stream_id stream)
{
    struct op op = op_join(self, nick, account, name, stream);

    op.kind = OP_LEAVE;
    op.skeleton = (struct span){0};
    return op;
}

static BOX_UNUSED struct op op_confirm(struct box *self, const char *nick, stream_id account,
                                       uint64_t seq)
{
    return (struct op){.kind = OP_CONFIRM,
                       .ts_ms = ++self->now_ms,
                       .nick = span_of(nick),
                       .account = account,
                       .stream = account,
                       .seq = seq};
}

static BOX_UNUSED stream_id room(struct box *self, const char *name, const char *nick,
                                 stream_id account)
{
    const struct op op = op_join(self, nick, account, name, (stream_id){0});

    assert_int_equal(box_apply(self, &op), RC_OK);
    return self->result.stream;
}

static BOX_UNUSED struct op op_mark(struct box *box, enum op_kind kind, stream_id account,
                                    const char *mark, stream_id stream, uint64_t seq)
{
    return (struct op){.kind = kind,
                       .ts_ms = ++box->now_ms,
                       .account = account,
                       .mark = span_of(mark),
                       .stream = stream,
                       .seq = seq};
}

#endif
