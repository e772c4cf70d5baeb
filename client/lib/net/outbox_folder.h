/* outbox_folder.h - where the outboxes of one nick at one broker lie: STATE/outbox/NICK@BROKER-SESSION.log.
 *
 * BROKER is the beginning of the broker's key. A file whose lock is free was left by a run that ended before its
 * posts had their answers. */
#ifndef CLIENT_LIB_NET_OUTBOX_FOLDER_H
#define CLIENT_LIB_NET_OUTBOX_FOLDER_H

#include "client/lib/net/home.h"
#include "client/lib/net/outbox_file.h"
#include "client/lib/net/why.h"

struct outbox_folder {
    char path[FILE_PATH_MAX - 400];
    char prefix[NAME_BYTES_MAX + 24]; /* "NICK@0123456789abcdef-" */
};

void outbox_folder_init(struct outbox_folder *self, const struct home *home,
                        const struct name *nick, const struct broker_url *url);

/* The beginning of the broker's key, or of a hash of its address, in hex. */
#define OUTBOX_ID_BYTES 17
void outbox_broker_id(const struct broker_url *url, char buf[static OUTBOX_ID_BYTES]);

/* "NICK@0123456789abcdef", which names files of this nick at this broker; buf has NAME_BYTES_MAX + 24 bytes. */
void outbox_folder_id(const struct name *nick, const struct broker_url *url, char *buf);

/* An empty outbox of that session. */
struct outbox_file *outbox_folder_new(const struct outbox_folder *self, uint64_t session);

/* Take over the oldest outbox with unanswered posts whose run has ended; *ret is NULL when there is none. Those without
 * posts are removed; damaged ones set aside, and `why` names one. RC_SYSTEM: the folder cannot be read; `why`. */
enum rc outbox_folder_adopt(const struct outbox_folder *self, struct outbox_file **ret,
                            struct why *why) MUST_CHECK;

/* Unanswered posts in outboxes of runs that have ended. */
size_t outbox_folder_waiting(const struct outbox_folder *self);

/* Move a whole file to PATH.failed, or, when that is taken, PATH.failed.2 and so on. RC_SYSTEM: errno. */
enum rc outbox_folder_give_up(const char *path, char ret_path[static FILE_PATH_MAX]) MUST_CHECK;

#endif
