/* outbox_file.h - the posts of one session that have no answer yet, on disk (docs/adr/0010-outbox-on-disk.md).
 *
 * An append-only file of posts and of numbers that are done, each with a checksum that covers its
 * place as well. Whoever has it open holds its lock, so the file of a run that was killed is known by being
 * free. It is text, so that people can read what was set aside. */
#ifndef CLIENT_LIB_NET_OUTBOX_FILE_H
#define CLIENT_LIB_NET_OUTBOX_FILE_H

#include "shared/base/files.h"
#include "client/lib/net/outbox_record.h"
#include "shared/base/rc.h"

#include <stddef.h>
#include <stdint.h>

struct outbox_file;

/* Nothing is on disk before the first post. `path` has no more than OUTBOX_PATH_MAX - 1 bytes. */
#define OUTBOX_PATH_MAX (FILE_PATH_MAX - 32)
struct outbox_file *outbox_file_new(const char *path, uint64_t session);

/* Take over what an earlier run has left; a torn end is cut off. RC_BUSY: that run lives. RC_END: it is not there
 * (any more). RC_MALFORMED: it is damaged, or of another version. RC_SYSTEM: errno. */
enum rc outbox_file_open(const char *path, uint64_t session, struct outbox_file **ret) MUST_CHECK;

/* Lets the lock go. A file without unanswered posts is removed. */
void outbox_file_close(struct outbox_file **self_p);

const char *outbox_file_path(const struct outbox_file *self);
uint64_t outbox_file_session(const struct outbox_file *self);
uint64_t outbox_file_born_ms(const struct outbox_file *self); /* since 1970 */
uint32_t outbox_file_next(const struct outbox_file *self);    /* above every number ever used */
size_t outbox_file_count(const struct outbox_file *self);     /* unanswered posts */

/* The index-th unanswered post, in order of numbers; its spans live until the next call. RC_SYSTEM, RC_MALFORMED: it
 * cannot be read (any more). */
enum rc outbox_file_get(struct outbox_file *self, size_t index, struct outbox_post *ret) MUST_CHECK;

/* Write a post down; it survives the end of this process from now on, and a power cut after outbox_file_sync().
 * Numbers grow; one that is used again means that what stands here is void, and it is set aside.
 * RC_SYSTEM: errno; nothing has changed. */
enum rc outbox_file_post(struct outbox_file *self, const struct outbox_post *post) MUST_CHECK;

/* It has its answer. A number that is not here is ignored. */
void outbox_file_done(struct outbox_file *self, uint32_t number);

/* It will never have one: its text goes to PATH.failed, where people find it. RC_END: not here. RC_SYSTEM: errno; it
 * stays. */
enum rc outbox_file_set_aside(struct outbox_file *self, uint32_t number) MUST_CHECK;

/* What was written is on disk; costs nothing when there is nothing new. RC_SYSTEM: errno, told once: a failed
 * sync is never tried again. */
enum rc outbox_file_sync(struct outbox_file *self) MUST_CHECK;

/* Where texts go that are set aside: PATH.failed; buf has FILE_PATH_MAX bytes. */
void outbox_file_failed_path(const char *path, char *buf);

#endif
