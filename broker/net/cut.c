#include "broker/net/cut.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t cut_id(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) ? (uint64_t)status.st_ino : 0;
}

bool cut_off(int fd, uint64_t id)
{
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    /* Without a descriptor to spare: a moment lies between looking and shutting, and who is met in it comes
     * back. */
    const int target = copy >= 0 ? copy : fd;
    const bool is_it = id != 0 && cut_id(target) == id;

    if (is_it)
        (void)shutdown(target, SHUT_RDWR);
    if (copy >= 0)
        (void)close(copy);
    return is_it;
}
