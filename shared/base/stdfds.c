#include "shared/base/stdfds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void stdfds_fill(void)
{
    int fd;

    do /* the lowest number that is free: each turn fills a hole, or is beyond them */
        fd = open("/dev/null", O_RDWR | O_NOCTTY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0) {
        (void)dprintf(STDERR_FILENO, "cannot open /dev/null: %s\n",
                      strerror(errno)); /* if it is open */
        _exit(EXIT_FAILURE);
    }
    (void)close(fd);
}
