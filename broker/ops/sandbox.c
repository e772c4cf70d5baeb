#include "broker/ops/sandbox.h"

#include "broker/ops/keyfile.h"
#include "broker/ops/landlock.h"
#include "broker/ops/syscalls.h"
#include "shared/base/files.h"
#include "shared/base/log.h"
#include "shared/base/sanitized.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>

/* Files */

static void folder_of(const char *path, char folder[static PATH_BYTES_MAX])
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        snprintf(folder, PATH_BYTES_MAX, ".");
    else
        snprintf(folder, PATH_BYTES_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static enum rc allow_folder_of(struct landlock *landlock, const char *path, unsigned uses)
{
    char folder[PATH_BYTES_MAX];

    folder_of(path, folder);
    return landlock_allow(landlock, folder, uses);
}

/* Is this folder one of those that hold the configuration? */
static bool holds_configuration(const struct conf_files *files, const char *folder)
{
    struct stat wanted, info;
    char other[PATH_BYTES_MAX];

    for (size_t i = 0; i < files->count && stat(folder, &wanted) == 0; i++) {
        folder_of(files->path[i], other);
        if (stat(other, &info) == 0 && info.st_dev == wanted.st_dev && info.st_ino == wanted.st_ino)
            return true;
    }
    return false;
}

/* A folder that holds nothing but files, and folders that are the configuration's too, is its own: all of it may be
 * read, so that an editor may put a new file in the place of the old one. Of /etc or a home only the file itself. */
static bool is_own_folder(const struct conf_files *files, const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    bool is_own = entries != NULL;

    while (is_own && (entry = readdir(entries)) != NULL) {
        char path[PATH_BYTES_MAX + sizeof(entry->d_name) + 1];
        struct stat info;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        is_own =
            lstat(path, &info) == 0 &&
            (S_ISREG(info.st_mode) || (S_ISDIR(info.st_mode) && holds_configuration(files, path)));
    }
    if (entries != NULL)
        (void)closedir(entries);
    return is_own;
}

static enum rc allow_configuration(struct landlock *landlock, const struct conf_files *files,
                                   const char **ret_pinned)
{
    char folder[PATH_BYTES_MAX];
    enum rc rc = RC_OK;

    for (size_t i = 0; i < files->count && rc == RC_OK; i++) {
        folder_of(files->path[i], folder);
        rc = landlock_allow(landlock, files->path[i], LANDLOCK_READ);
        if (rc == RC_OK && is_own_folder(files, folder))
            rc = landlock_allow(landlock, folder, LANDLOCK_READ);
        else
            *ret_pinned = files->path[i];
    }
    return rc;
}

/* A log file is made anew after a rotation, so its folder counts; of a device or a pipe, itself. */
static enum rc allow_log(struct landlock *landlock, const char *path)
{
    struct stat info;

    if (path[0] == '\0')
        return RC_OK;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return landlock_allow(landlock, path, LANDLOCK_MAKE);
    return allow_folder_of(landlock, path, LANDLOCK_MAKE);
}

static enum rc allow_url_folder(struct landlock *landlock)
{
    char folder[PATH_BYTES_MAX];

    if (!url_folder_of_user(folder, sizeof(folder)))
        return RC_OK;
    if (files_make_folder(folder) != RC_OK)
        return RC_OK; /* whoever writes the address will say so */
    return landlock_allow(landlock, folder, LANDLOCK_WRITE);
}

static enum rc allow_files(struct landlock *landlock, const struct options *options,
                           const char **ret_pinned)
{
    enum rc rc = landlock_allow(landlock, options->data, LANDLOCK_WRITE);

    if (rc == RC_OK)
        rc = allow_log(landlock, options->log.file);
    if (rc == RC_OK)
        rc = allow_configuration(landlock, &options->files, ret_pinned);
    if (rc == RC_OK)
        rc = allow_url_folder(landlock);
    for (size_t i = 0; i < options->bind_count && rc == RC_OK; i++) {
        if (options->bind[i].is_ipc)
            rc = allow_folder_of(landlock, options->bind[i].host, LANDLOCK_SOCKET);
    }
    if (rc == RC_OK)
        rc = landlock_allow(landlock, "/dev/urandom", LANDLOCK_READ);
    if (rc == RC_OK) /* holds a descriptor free, for when none is left */
        rc = landlock_allow(landlock, "/dev/null", LANDLOCK_READ);
    if (rc == RC_OK && IS_SANITIZED) /* a report reads programs, libraries and /proc */
        rc = landlock_allow(landlock, "/", LANDLOCK_READ);
    return rc;
}

static uint16_t port_of(const struct listen_address *address)
{
    return address->socket.ss_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)&address->socket)->sin6_port)
               : ntohs(((const struct sockaddr_in *)&address->socket)->sin_port);
}

/* The other brokers listen at the same port. */
static enum rc allow_cluster(struct landlock *landlock, const struct options *options)
{
    enum rc rc = RC_OK;

    if (!options->is_cluster || options->cluster_bind[0] == '\0')
        return RC_OK;
    if (options->port != 0)
        rc = landlock_allow_port(landlock, port_of(&options->cluster_listen));
    return rc == RC_OK ? landlock_allow_connect(landlock, port_of(&options->cluster_listen)) : rc;
}

static enum rc allow_ports(struct landlock *landlock, const struct options *options)
{
    enum rc rc = RC_OK;

    for (uint32_t i = 0; i < 2 && options->port != 0 && rc == RC_OK; i++)
        rc = landlock_allow_port(landlock, (uint16_t)(options->port + i));
    return rc;
}

/* The address is known; with TLS its certificates are read again. */
static enum rc allow_peer(struct landlock *landlock, const struct sandbox_peer *peer)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < SANDBOX_PORTS_MAX && rc == RC_OK; i++) {
        if (peer->ports[i] != 0)
            rc = landlock_allow_connect(landlock, peer->ports[i]);
    }
    for (size_t i = 0; i < SANDBOX_FILES_MAX && rc == RC_OK; i++) {
        if (peer->files[i][0] != '\0')
            rc = landlock_allow(landlock, peer->files[i], LANDLOCK_READ);
    }
    return rc;
}

enum rc sandbox_limit_files(struct sandbox *self, const struct options *options,
                            const struct sandbox_peer *peer, char why[static OPTIONS_WHY_BYTES])
{
    const char *notify = getenv("NOTIFY_SOCKET");
    struct landlock landlock;
    enum rc rc;

    *self = (struct sandbox){.is_on = options->is_sandboxed, .no_files = "", .pinned = ""};
#ifdef ZCHAT_COVERAGE
    self->is_on = false; /* counters are written at exit, beside the objects */
#endif
    if (!self->is_on)
        return RC_OK;
    rc = landlock_begin(&landlock, options->port != 0, notify != NULL && notify[0] == '@');
    if (rc == RC_END) {
        self->no_files = "this kernel has no Landlock";
        return RC_OK;
    }
    if (rc == RC_OK)
        rc = allow_files(&landlock, options, &self->pinned);
    if (rc == RC_OK)
        rc = allow_ports(&landlock, options);
    if (rc == RC_OK)
        rc = allow_cluster(&landlock, options);
    if (rc == RC_OK)
        rc = allow_peer(&landlock, peer);
    if (rc == RC_OK)
        rc = landlock_enforce(&landlock);
    if (rc != RC_OK) {
        snprintf(why, OPTIONS_WHY_BYTES,
                 "cannot limit the files that are used: %s (sandbox = off does without)",
                 strerror(errno));
        landlock_fini(&landlock);
        return rc;
    }
    self->landlock_abi = landlock.abi;
    return RC_OK;
}

/* Calls */

void sandbox_limit_calls(const struct sandbox *self)
{
    const char *no_calls = "";

    if (!self->is_on) {
        log_warn("sandbox.off", "files, ports and system calls are not limited");
        return;
    }
    if (self->pinned[0] != '\0')
        log_info("config.pinned",
                 "file=%s reason=\"a reload reads this very file, not one put in its place: keep "
                 "it in a "
                 "folder of its own\"",
                 self->pinned);
    if (IS_SANITIZED)
        no_calls = "a sanitizer is built in";
    else if (syscalls_limit() != RC_OK)
        no_calls = strerror(errno);
    if (self->landlock_abi > 0 && no_calls[0] == '\0')
        log_info("sandbox.on", "landlock=%d seccomp=yes", self->landlock_abi);
    else
        log_warn("sandbox.partly", "landlock=%d seccomp=%s reason=\"%s%s%s\"", self->landlock_abi,
                 no_calls[0] == '\0' ? "yes" : "no", self->no_files,
                 self->no_files[0] != '\0' && no_calls[0] != '\0' ? "; " : "", no_calls);
}
