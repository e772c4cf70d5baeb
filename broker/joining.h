/* joining.h - how a broker comes into its cluster: the key, the door for hints, what it says of itself. */
#ifndef BROKER_JOINING_H
#define BROKER_JOINING_H

#include "broker/cluster.h"
#include "broker/ops/keyfile.h"
#include "broker/ops/options.h"

/* Are there hints to and from others? */
bool joining_has_hints(const struct options *options);

/* The key pair of the cluster; nothing when there are no hints. Codes and `why` as in keyfile.h. */
enum rc joining_load_key(const struct options *options, struct key_pair *ret,
                         char why[static FOLDER_WHY_BYTES]) MUST_CHECK;

/* Listen for others, if there are hints. RC_SYSTEM: `why` is one sentence. */
enum rc joining_open_hints(const struct options *options, void *zmq_context,
                           const struct key_pair *keys, struct hints **ret,
                           char why[static FOLDER_WHY_BYTES]) MUST_CHECK;

/* From now on the others know of this broker, which its clients reach at `url`. NULL: it is alone, and its core knows that. */
struct cluster *joining_join(const struct options *options, const struct broker_url *url,
                             struct core *core, struct writer *writer, struct hints *hints);

#endif
