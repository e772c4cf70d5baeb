#include "broker/ops/sandbox.h"

#include "broker/ops/keyfile.h"
#include "broker/ops/landlock.h"
#include "broker/ops/syscalls.h"
#include "shared/base/files.h"
#include "shared/base/log.h"
#include "shared/base/sanitized.h"

#include <errno.h>
#include <sys/stat.h>

/* Files */

static enum rc allow_folder_of(struct landlock *landlock, const char *path, unsigned uses)
{
    char folder[PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return landlock_allow(landlock, ".", uses);
    snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return landlock_allow(landlock, folder, uses);
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

static enum rc allow_files(struct landlock *landlock, const struct options *options)
{
    enum rc rc = landlock_allow(landlock, options->data, LANDLOCK_WRITE);

    if (rc == RC_OK)
        rc = allow_log(landlock, options->log_file);
    if (rc == RC_OK &&
        options->common.config[0] != '\0') /* its folder: an editor puts a new file there */
        rc = allow_folder_of(landlock, options->common.config, LANDLOCK_READ);
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

static enum rc allow_ports(struct landlock *landlock, const struct options *options)
{
    enum rc rc = RC_OK;

    for (uint32_t i = 0; i < 2 && options->port != 0 && rc == RC_OK; i++)
        rc = landlock_allow_port(landlock, (uint16_t)(options->port + i));
    return rc;
}

enum rc sandbox_limit_files(struct sandbox *self, const struct options *options,
                            char why[static OPTIONS_WHY_BYTES])
{
    const char *notify = getenv("NOTIFY_SOCKET");
    struct landlock landlock;
    enum rc rc;

    *self = (struct sandbox){.is_on = options->is_sandboxed, .no_files = ""};
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
        rc = allow_files(&landlock, options);
    if (rc == RC_OK)
        rc = allow_ports(&landlock, options);
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
