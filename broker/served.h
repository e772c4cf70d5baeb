/* served.h - what the log says of a broker's life at its end. */
#ifndef BROKER_SERVED_H
#define BROKER_SERVED_H

#include "broker/core/core.h"
#include "broker/net/front.h"

/* Log what was served and refused, by `front` and by `core`. */
void served_tell(const struct front *front, const struct core *core);

#endif
