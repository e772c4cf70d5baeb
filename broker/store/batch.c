#include "broker/store/batch.h"

#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/invariant.h"

#include <stdlib.h>

struct batch *batch_new(void)
{
    return x_alloc(1, sizeof(struct batch));
}

void batch_destroy(struct batch **self_p)
{
    struct batch *self = *self_p;

    if (self == NULL)
        return;
    arena_fini(&self->arena);
    free(self->ops);
    free(self->results);
    free(self);
    *self_p = NULL;
}

static struct op *next_op(struct batch *self, const struct op *op)
{
    if (self->count == 0)
        self->begun_us = clock_mono_us();
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 8 : self->capacity * 2;
        self->ops = x_realloc(self->ops, self->capacity, sizeof(*self->ops));
        if (self->is_foreign)
            self->results = x_realloc(self->results, self->capacity, sizeof(*self->results));
    }
    self->ops[self->count] = *op;
    return &self->ops[self->count++];
}

void batch_add(struct batch *self, const struct op *op)
{
    struct op *copy;

    copy = next_op(self, op);
    copy->nick = arena_copy(&self->arena, op->nick);
    copy->name = arena_copy(&self->arena, op->name);
    copy->skeleton = arena_copy(&self->arena, op->skeleton);
    copy->text = arena_copy(&self->arena, op->text);
    copy->kind_name = arena_copy(&self->arena, op->kind_name);
    copy->mark = arena_copy(&self->arena, op->mark);
    copy->target_nick = arena_copy(&self->arena, op->target_nick);
    copy->label = arena_copy(&self->arena, op->label);
}

void batch_add_foreign(struct batch *self, const struct op *op, const struct op_result *result)
{
    INVARIANT(self->is_foreign || self->count == 0);
    self->is_foreign = true;
    (void)next_op(self, op);
    self->results[self->count - 1] = *result;
}

uint64_t batch_begun_us(const struct batch *self)
{
    return self->begun_us;
}

size_t batch_count(const struct batch *self)
{
    return self->count;
}

const struct op_result *batch_results(const struct batch *self)
{
    INVARIANT(self->results != NULL || self->count == 0);
    return self->results;
}

struct batch *batch_of_removed(const struct removed *removed)
{
    struct batch *self = batch_new();

    self->removed = *removed;
    self->is_removal = true;
    return self;
}

const struct removed *batch_removed(const struct batch *self)
{
    return self->is_removal ? &self->removed : NULL;
}

bool batch_is_foreign(const struct batch *self)
{
    return self->is_foreign;
}

const struct op *batch_ops(const struct batch *self)
{
    return self->ops;
}

struct store_part batch_part(struct batch *self)
{
    INVARIANT(self->results == NULL);
    self->results = x_realloc(NULL, self->count, sizeof(*self->results));
    return (struct store_part){self->ops, self->count, self->results, &self->arena};
}
