#include "broker/net/gather.h"

#include "shared/base/alloc.h"

#include <sodium.h>

#define SLOTS_MAX    256 /* keys of one turn; one more flushes them all */
#define INDEX_SIZE   (2 * SLOTS_MAX)
#define CAPACITY_MIN 1024

/* Memory kept between turns: the first slots keep what they grew to, the others little. */
#define SLOTS_KEPT          16
#define CAPACITY_KEPT_BYTES 8192

struct slot {
    char key[TOPIC_BYTES_MAX];
    size_t key_len;
    size_t maps;   /* in the frame */
    size_t prefix; /* bytes of the topic */
    struct wire_buf buf;
};

struct gather {
    bool is_topic;
    gather_send *send;
    void *context;
    size_t used;                /* slots of this turn, in the order of their first message */
    uint16_t index[INDEX_SIZE]; /* hash to slot + 1; 0: free */
    unsigned char hash_key[crypto_shorthash_KEYBYTES]; /* peers choose the keys */
    struct slot slots[SLOTS_MAX];
};

struct gather *gather_new(bool is_topic, gather_send *send, void *context)
{
    struct gather *self = x_alloc(1, sizeof(*self));

    self->is_topic = is_topic;
    self->send = send;
    self->context = context;
    randombytes_buf(self->hash_key, sizeof(self->hash_key));
    return self;
}

void gather_destroy(struct gather **self_p)
{
    struct gather *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < SLOTS_MAX; i++)
        free(self->slots[i].buf.data);
    free(self);
}

static struct span slot_key(const struct slot *slot)
{
    return (struct span){slot->key, slot->key_len};
}

/* Where the key's slot number stands in the index, or where it is to be put. */
static uint16_t *index_place(struct gather *self, struct span key)
{
    unsigned char hash[crypto_shorthash_BYTES];
    uint32_t at;

    (void)crypto_shorthash(hash, (const unsigned char *)key.ptr, key.len, self->hash_key);
    memcpy(&at, hash, sizeof(at));
    for (;; at++) {
        uint16_t *place = &self->index[at % INDEX_SIZE];

        if (*place == 0 || span_equal(slot_key(&self->slots[*place - 1]), key))
            return place;
    }
}

static void grow(struct slot *slot, size_t capacity)
{
    capacity = capacity > FRAME_BYTES_MAX ? FRAME_BYTES_MAX : capacity;
    slot->buf.data = x_realloc(slot->buf.data, capacity, 1);
    slot->buf.capacity = capacity;
}

/* An empty frame: nothing, or the topic. The smallest buffer holds any topic. */
static void begin(struct gather *self, struct slot *slot)
{
    slot->maps = 0;
    slot->buf.len = 0;
    if (slot->buf.data == NULL)
        grow(slot, CAPACITY_MIN);
    if (self->is_topic && wire_write_topic(&slot->buf, slot_key(slot)) != RC_OK)
        slot->buf.len = 0;
    slot->prefix = slot->buf.len;
}

static struct slot *slot_for(struct gather *self, struct span key)
{
    uint16_t *place = index_place(self, key);
    struct slot *slot;

    if (*place != 0)
        return &self->slots[*place - 1];
    if (self->used == SLOTS_MAX) {
        gather_flush(self);
        place = index_place(self, key);
    }
    slot = &self->slots[self->used++];
    memcpy(slot->key, key.ptr, key.len);
    slot->key_len = key.len;
    *place = (uint16_t)self->used;
    begin(self, slot);
    return slot;
}

static void send_slot(struct gather *self, struct slot *slot)
{
    if (slot->maps > 0)
        self->send(self->context, slot_key(slot), (struct span){slot->buf.data, slot->buf.len});
    begin(self, slot);
}

static enum rc write_to(struct slot *slot, const struct message *message, struct span wire)
{
    return message != NULL ? wire_write(&slot->buf, message) : wire_append(&slot->buf, wire);
}

static enum rc add(struct gather *self, struct span key, const struct message *message,
                   struct span wire)
{
    struct slot *slot;
    enum rc rc;

    if (key.len >= TOPIC_BYTES_MAX)
        return RC_TOO_BIG;
    slot = slot_for(self, key);
    if (slot->maps == MAPS_PER_FRAME_MAX)
        send_slot(self, slot);
    while ((rc = write_to(slot, message, wire)) == RC_NO_SPACE) {
        if (slot->buf.capacity < FRAME_BYTES_MAX)
            grow(slot, 2 * slot->buf.capacity + wire.len);
        else if (slot->maps > 0)
            send_slot(self, slot);
        else
            return RC_TOO_BIG;
    }
    if (rc == RC_OK)
        slot->maps++;
    return rc;
}

enum rc gather_message(struct gather *self, struct span key, const struct message *message)
{
    return add(self, key, message, (struct span){NULL, 0});
}

enum rc gather_wire(struct gather *self, struct span key, struct span wire)
{
    return add(self, key, NULL, wire);
}

void gather_flush_key(struct gather *self, struct span key)
{
    uint16_t place = *index_place(self, key);

    if (place != 0)
        send_slot(self, &self->slots[place - 1]);
}

size_t gather_flush_below(struct gather *self, size_t many)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->used; i++) {
        if (self->slots[i].maps < many)
            send_slot(self, &self->slots[i]);
        else
            kept++;
    }
    if (kept == 0)
        gather_flush(self); /* nothing is left: it frees the places */
    return kept;
}

void gather_flush(struct gather *self)
{
    for (size_t i = 0; i < self->used; i++) {
        struct slot *slot = &self->slots[i];

        if (slot->maps > 0)
            self->send(self->context, slot_key(slot), (struct span){slot->buf.data, slot->buf.len});
        if (i >= SLOTS_KEPT && slot->buf.capacity > CAPACITY_KEPT_BYTES) {
            free(slot->buf.data);
            slot->buf = (struct wire_buf){NULL, 0, 0};
        }
    }
    if (self->used > 0)
        memset(self->index, 0, sizeof(self->index));
    self->used = 0;
}
