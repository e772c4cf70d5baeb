/* notify.h - telling the service manager (sd_notify's protocol, without its library). */
#ifndef SHARED_BASE_NOTIFY_H
#define SHARED_BASE_NOTIFY_H

#include <stdint.h>

/* Send "READY=1", "STOPPING=1", "WATCHDOG=1" ... to $NOTIFY_SOCKET; nobody there: nothing happens. */
void notify(const char *state);

/* How often WATCHDOG=1 is to be sent: half of $WATCHDOG_USEC; 0: nobody watches this process. */
uint64_t notify_watchdog_ms(void);

#endif
