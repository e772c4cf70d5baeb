/* request.h - questions of the application that wait for an answer (protocol 5.3, 7.3, 7.5, 7.6, 8).
 *
 * A question is asked again until it is answered. A list is asked page by page; the rows of
 * a page are told when the page is whole, so a lost page can be asked again without telling a row
 * twice, and the next page is asked when there is room for it. */
#ifndef CLIENT_LIB_REQUEST_H
#define CLIENT_LIB_REQUEST_H

#include "client/lib/context.h"

struct requests;

struct requests *requests_new(uint32_t requests_max);
void requests_destroy(struct requests **self_p);

/* As model_request(). */
enum rc requests_add(struct requests *self, struct model_context *ctx,
                     const struct message *message, uint32_t *ret_ref) MUST_CHECK;

/* The link is up: ask everything (again). */
void requests_restart(struct requests *self, struct model_context *ctx);

/* An answer with a ref, a row of a list, or an ERROR. False: not of ours. */
bool requests_answer(struct requests *self, struct model_context *ctx,
                     const struct message *message);

/* There is room for tells again: go on with lists. */
void requests_resume(struct requests *self, struct model_context *ctx);

void requests_tick(struct requests *self, struct model_context *ctx);
uint64_t requests_next_deadline_ms(const struct requests *self, bool is_up);

#endif
