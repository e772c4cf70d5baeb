/* admission.h - who may open connections, as the core decides it and the sockets carry it out.
 *
 * Belongs to the hub's thread. Without encryption there are no keys: then nothing here does anything. */
#ifndef BROKER_ADMISSION_H
#define BROKER_ADMISSION_H

#include "broker/core/core.h"
#include "broker/net/front.h"
#include "broker/net/keyring.h"

#define EXPELLED_WAITING_MAX 64

struct admission {
    struct keyring *keyring; /* NULL: --insecure */
    struct front *front;
    bool must_cut; /* somebody was expelled in this turn */
    /* Their command connections are ended a little later, so that they still hear why. A ring. */
    struct {
        unsigned char key[PUBLIC_KEY_BYTES];
        uint64_t due_ms;
    } waiting[EXPELLED_WAITING_MAX];
    size_t first, count;
};

/* All devices that the core was told of. RC_LIMIT: more than the keyring holds. */
enum rc admission_replay(struct keyring *keyring, const struct core *core) MUST_CHECK;

void admission_admit(struct admission *self, const unsigned char *key);
/* From now on that key opens nothing, and what it has open is cut. */
void admission_expel(struct admission *self, const unsigned char *key, uint64_t now_ms);
/* A connection with this key speaks for the first time: it may be older than the key's expulsion. */
void admission_meet(struct admission *self, const unsigned char *key, uint64_t now_ms);

/* Once a turn, before what it says leaves: cut the broadcasts of who was expelled, and end connections that
 * are due. RC_SYSTEM: the broadcast socket could not be opened again, end the process. */
enum rc admission_turn(struct admission *self, uint64_t now_ms) MUST_CHECK;
uint64_t admission_deadline_ms(const struct admission *self); /* UINT64_MAX: none */

#endif
