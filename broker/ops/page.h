/* page.h - the page for people: broker/ops/page/page.html, which is built in, and the policy it is served with. */
#ifndef BROKER_OPS_PAGE_H
#define BROKER_OPS_PAGE_H

#include "shared/base/span.h"

struct span page_html(void); /* static */

/* The Content-Security-Policy: nothing but the page's own style and script, by their hashes, and questions to where
 * it came from. Static, made at the first call; one thread. */
const char *page_policy(void);

#endif
