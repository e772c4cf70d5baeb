#include "broker/owner.h"

#include "shared/base/files.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#include <errno.h>
#include <unistd.h>

#define OWNER_FILE "owner.url"

static enum rc file_of(const char *folder, char path[static OWNER_WHY_BYTES])
{
    const int len = snprintf(path, OWNER_WHY_BYTES, "%s/" OWNER_FILE, folder);

    return len > 0 && len < OWNER_WHY_BYTES ? RC_OK : RC_SYSTEM;
}

static enum rc admit_owner(struct store *store, struct op_result *ret)
{
    const struct op op = {.kind = OP_ADMIT,
                          .ts_ms = clock_wall_ms(),
                          .role = ROLE_OWNER,
                          .until_ms = FOR_EVER_MS,
                          .limit = 1};
    const enum rc rc = store_apply(store, &op, 1, ret);

    return rc == RC_OK ? ret->rc : rc;
}

enum rc owner_invite(struct store *store, const char *folder, const struct broker_url *address,
                     char why[static OWNER_WHY_BYTES])
{
    struct broker_url invitation = *address;
    struct op_result result;
    char path[OWNER_WHY_BYTES];
    char line[URL_BYTES_MAX + 1];
    enum rc rc = admit_owner(store, &result);

    if (rc != RC_OK) {
        snprintf(why, OWNER_WHY_BYTES, "cannot make the owner's invitation: %s",
                 rc == RC_STORE ? store_why(store) : rc_sentence(rc));
        return rc;
    }
    invitation.has_invite = true;
    memcpy(invitation.invite, result.token, sizeof(invitation.invite));
    store_release(store);
    broker_url_format(&invitation, line);
    const size_t len = strlen(line);
    line[len] = '\n';
    rc = file_of(folder, path);
    if (rc == RC_OK)
        rc = files_write(path, (struct span){line, len + 1}, false);
    if (rc != RC_OK) {
        rc = errno == ENOSPC || errno == EDQUOT ? RC_DISK_FULL : rc;
        snprintf(why, OWNER_WHY_BYTES, "cannot write %.900s: %s", path, strerror(errno));
    }
    explicit_bzero(line, sizeof(line));
    explicit_bzero(&invitation, sizeof(invitation));
    explicit_bzero(&result, sizeof(result));
    return rc;
}

void owner_forget(const char *folder)
{
    char path[OWNER_WHY_BYTES];

    if (file_of(folder, path) == RC_OK && unlink(path) != 0 && errno != ENOENT)
        log_warn("owner.url", "cannot remove %s: %s", path, strerror(errno));
}
