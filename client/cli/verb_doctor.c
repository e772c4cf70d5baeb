/* verb_doctor.c - why can I not connect? From what lies here to what the broker says, each step only when the one before
 * it was good. Nothing is made or changed here; a person is said HELLO for only when this home has their key already. */
#include "client/cli/cli.h"
#include "client/cli/diagnosis.h"
#include "client/cli/verbs.h"

#include "client/lib/net/choice.h"
#include "client/lib/net/connection.h"
#include "client/lib/net/keys.h"
#include "client/lib/net/outbox_folder.h"
#include "client/lib/net/reach.h"
#include "client/lib/net/roster.h"
#include "shared/base/clock.h"
#include "shared/text/clean.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TELL(self, check, ...) \
    diagnosis_tell(&(self)->diagnosis, DIAGNOSIS_OK, EXIT_DONE, check, "", __VA_ARGS__)
#define WARN(self, check, mend, ...) \
    diagnosis_tell(&(self)->diagnosis, DIAGNOSIS_WARN, EXIT_DONE, check, mend, __VA_ARGS__)
#define FAIL(self, code, check, mend, ...) \
    diagnosis_tell(&(self)->diagnosis, DIAGNOSIS_FAIL, code, check, mend, __VA_ARGS__)

#define STEP_MS          3000 /* for one answer over the network */
#define WRONG_KEY_TRIES  3    /* connection.c believes the third */
#define AGAIN_MS         100
#define CLOCK_WARN_MS    30000
#define SPACE_WARN_BYTES (UINT64_C(64) << 20)

struct doctor {
    struct diagnosis diagnosis;
    const struct args *args;
    struct home home;
    struct choice choice;
    struct roster roster;
    struct name nick;
    struct key_pair keys; /* of the nick, or made for this run */
    bool has_key;         /* the nick's is here */
    bool has_invite;
};

static int step_ms(const struct doctor *self)
{
    return self->args->timeout_ms < STEP_MS ? (int)self->args->timeout_ms : STEP_MS;
}

/* What lies here */

static bool check_home(struct doctor *self)
{
    struct statvfs space;
    struct why why;

    if (home_find(self->args->home, &self->home, &why) != RC_OK) {
        FAIL(self, EXIT_OTHER, "home", "", "%s", why.text);
        return false;
    }
    if (access(self->home.state, F_OK) != 0) {
        TELL(self, "home", "%s is not there yet: the first connection makes it", self->home.state);
        return true;
    }
    if (home_open(self->args->home, &self->home, &why) != RC_OK) { /* tells how to mend it */
        FAIL(self, EXIT_OTHER, "home", "", "%s", why.text);
        return false;
    }
    if (access(self->home.state, W_OK) != 0 || statvfs(self->home.state, &space) != 0) {
        FAIL(self, EXIT_OTHER, "home",
             "what is typed could not be kept: mend the folder or its disk", "%s: %s",
             self->home.state, strerror(errno));
        return false;
    }
    const uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;

    if (free_bytes < SPACE_WARN_BYTES)
        WARN(self, "home", "make room: what is typed is kept there until the broker has it",
             "%s has %" PRIu64 " KiB free", self->home.state, free_bytes >> 10);
    else
        TELL(self, "home", "%s, %" PRIu64 " MiB free", self->home.state, free_bytes >> 20);
    return true;
}

static bool check_address(struct doctor *self)
{
    static const char *const SOURCES[] = {[CHOICE_GIVEN] = "as given",
                                          [CHOICE_LAST] = "the last one used",
                                          [CHOICE_LOCAL] = "this user's own broker"};
    char shown[URL_BYTES_MAX], fingerprint[40];
    struct why why;
    const enum rc rc = choice_broker(&self->home, self->args->broker, &self->choice, &why);

    if (rc != RC_OK) {
        FAIL(self, exit_code_of(rc), "address", rc == RC_WRONG_BROKER ? diagnosis_mend(rc) : "",
             "%s", why.text);
        return false;
    }
    self->has_invite = self->choice.url.has_invite;
    broker_url_strip_invite(
        &self->choice.url); /* an invitation is for connecting, not for looking */
    broker_url_format(&self->choice.url, shown);
    shown[strcspn(shown, "?")] = '\0';
    if (self->choice.url.has_key)
        key_fingerprint(self->choice.url.key, fingerprint);
    else
        snprintf(fingerprint, sizeof(fingerprint), "none: nothing is encrypted");
    roster_open(&self->roster, &self->home, &self->choice);
    TELL(self, "address", "%s (%s), key [%s]%s", shown, SOURCES[self->choice.source], fingerprint,
         self->has_invite ? ", with an invitation" : "");
    return true;
}

static bool check_key(struct doctor *self)
{
    char path[FILE_PATH_MAX];
    struct why why;
    enum rc rc = choice_nick(&self->home, self->args->nick, &self->nick, &why);

    if (rc != RC_OK) {
        FAIL(self, EXIT_USAGE, "key", "say who you are with --nick", "%s", why.text);
        return false;
    }
    snprintf(path, sizeof(path), "%s/keys/%s.key", self->home.config, self->nick.text);
    self->has_key = access(path, F_OK) == 0 || errno != ENOENT;
    if (!self->has_key) {
        if (keys_temporary(&self->keys) != RC_OK) {
            FAIL(self, EXIT_OTHER, "key", "", "this system has no random numbers");
            return false;
        }
        TELL(self, "key", "%s has none here yet: the first connection makes it", self->nick.text);
        return true;
    }
    rc = home_key(&self->home, &self->nick, &self->keys, &why);
    if (rc != RC_OK)
        FAIL(self, exit_code_of(rc), "key", "", "%s", why.text);
    else
        TELL(self, "key", "%s is the key of %s, and its owner's alone", path, self->nick.text);
    return rc == RC_OK;
}

static void check_outbox(struct doctor *self)
{
    struct outbox_folder folder;
    size_t waiting;

    outbox_folder_init(&folder, &self->home, &self->nick, &self->roster.named);
    waiting = outbox_folder_waiting(&folder);
    if (waiting > 0)
        WARN(self, "outbox", "the next `zchat` sends them, once there is a link",
             "%zu messages of ended runs have no answer yet", waiting);
    else
        TELL(self, "outbox", "nothing waits");
}

/* The way there */

static const char *mend_port(enum reach_port port)
{
    switch (port) {
    case REACH_REFUSED:
        return "start the broker, or mend --bind and --port there; the address needs the same port";
    case REACH_NO_WAY:
        return "is the network up, the address right? A VPN or a router may be missing";
    case REACH_SILENT:
        return "a firewall drops it, or the machine is off: open TCP ports N and N+1 on the "
               "broker's side";
    case REACH_MISSING:
        return "the broker does not run, or with another --bind ipc://PATH";
    default:
        return "";
    }
}

/* One of the two ports; *ret_fd is the connection. */
static bool check_port(struct doctor *self, bool is_broadcasts, int *ret_fd)
{
    static const char *const SAYS[] = {[REACH_REFUSED] = "refused: nobody listens there",
                                       [REACH_NO_WAY] = "no way there",
                                       [REACH_SILENT] = "no answer",
                                       [REACH_MISSING] = "there is no such socket"};
    const char *check = is_broadcasts ? "broadcasts" : "commands";
    struct reach_addresses addresses;
    char text[REACH_TEXT_BYTES];
    enum reach_port port;
    struct why why;
    size_t index;
    int error;

    *ret_fd = -1;
    if (reach_resolve(&self->choice.url, is_broadcasts, &addresses, &why) != RC_OK) {
        FAIL(self, EXIT_NO_LINK, check, "is the name spelled right? Try its IP address", "%s",
             why.text);
        return false;
    }
    port = reach_connect(&addresses, step_ms(self), &index, &error, ret_fd);
    reach_text(&addresses, index, text);
    if (port == REACH_OPEN)
        TELL(self, check, "%s is open", text);
    else if (port == REACH_FAILED)
        FAIL(self, EXIT_NO_LINK, check, "", "%s: %s", text, strerror(error));
    else
        FAIL(self, EXIT_NO_LINK, check, mend_port(port), "%s: %s", text, SAYS[port]);
    return port == REACH_OPEN;
}

static bool is_open(const struct doctor *self, const struct broker_url *url, struct why *why)
{
    struct reach_addresses addresses;
    size_t index;
    int error, fd;

    if (reach_resolve(url, false, &addresses, why) != RC_OK)
        return false;
    (void)reach_connect(&addresses, step_ms(self), &index, &error, &fd);
    if (fd < 0)
        why_set(why, "%s", strerror(error));
    else
        close(fd);
    return fd >= 0;
}

/* Where several brokers serve the chat: the first that can be reached is looked at more closely, as a client goes there. */
static void check_brokers(struct doctor *self)
{
    const struct url_list *all = &self->roster.all;
    size_t open = all->count;

    for (size_t i = 0; i < all->count && all->count > 1; i++) {
        const struct broker_url *url = &all->item[i];
        char shown[URL_BYTES_MAX];
        struct why why;

        broker_url_format(url, shown);
        shown[strcspn(shown, "?")] = '\0';
        if (!is_open(self, url, &why))
            WARN(self, "brokers", "clients go to another one meanwhile", "%s cannot be reached: %s",
                 shown, why.text);
        else if (open < all->count)
            TELL(self, "brokers", "%s can be reached, too", shown);
        else
            open = i;
    }
    if (open < all->count)
        self->choice.url = all->item[open];
}

static bool check_greeting(struct doctor *self, int fd)
{
    const bool has_key = self->choice.url.has_key;
    const enum reach_greeting greeting = reach_greet(fd, step_ms(self));

    if (greeting == (has_key ? REACH_CURVE : REACH_CLEAR)) {
        TELL(self, "greeting", "ZeroMQ, %s", has_key ? "encrypted" : "not encrypted");
        return true;
    }
    switch (greeting) {
    case REACH_CURVE:
        FAIL(self, EXIT_NO_LINK, "greeting",
             "use the whole address that the broker prints: it ends in ?key=KEY",
             "the broker encrypts, and the address has no key");
        break;
    case REACH_CLEAR:
        FAIL(self, EXIT_NO_LINK, "greeting",
             "is it the right port? A broker with --insecure has an address without key",
             "what listens there does not encrypt");
        break;
    case REACH_OTHER:
        FAIL(self, EXIT_NO_LINK, "greeting", "is it the right port?",
             "what listens there speaks another ZeroMQ");
        break;
    case REACH_FOREIGN:
        FAIL(self, EXIT_NO_LINK, "greeting", "is it the right port? Something else listens there",
             "what listens there does not speak ZeroMQ");
        break;
    case REACH_CLOSED:
        FAIL(self, EXIT_NO_LINK, "greeting",
             "a forwarder without a broker behind it, or too many connections from here",
             "what listens there closes the connection at once");
        break;
    default:
        FAIL(self, EXIT_NO_LINK, "greeting",
             "something else listens there, or the broker hangs: restart it",
             "what listens there says nothing");
    }
    return false;
}

static bool check_way(struct doctor *self)
{
    int commands, broadcasts;
    bool is_good = check_port(self, false, &commands);
    const bool has_broadcasts = check_port(self, true, &broadcasts);

    if (is_good)
        is_good = check_greeting(self, commands);
    if (commands >= 0)
        close(commands);
    if (broadcasts >= 0)
        close(broadcasts);
    return is_good && has_broadcasts;
}

/* The broker */

/* Shake hands with commands, and, if asked to, with broadcasts. RC_OK; RC_DENIED: the key is not let in; else why not. */
static enum rc shake(struct doctor *self, bool with_broadcasts, struct why *why)
{
    struct connection *connection = connection_new(&self->choice.url, &self->keys);
    const uint64_t until_ms = cli_later_ms(self->args->timeout_ms);
    enum rc rc =
        connection == NULL ? RC_SYSTEM : connection_open(connection, cli_now_ms(), LINK_DEAD_MS);
    unsigned tries = 1;

    why_set(why, "no answer");
    while (rc == RC_OK) {
        enum connection_change change;

        (void)connection_wait(connection, AGAIN_MS, NULL, 0);
        change = connection_watch(connection, cli_now_ms());
        if (change == (with_broadcasts ? CONNECTION_LISTENING : CONNECTION_READY))
            break;
        if (change == CONNECTION_READY)
            connection_listen(connection, cli_now_ms());
        else if (change == CONNECTION_REFUSED)
            rc = RC_DENIED;
        else if (change == CONNECTION_LOST && tries++ >= WRONG_KEY_TRIES)
            rc = connection_trouble(connection, why);
        else if (change == CONNECTION_LOST)
            rc = connection_open(connection, cli_now_ms(), LINK_DEAD_MS);
        else if (cli_now_ms() >= until_ms && (rc = connection_trouble(connection, why)) == RC_OK)
            rc = RC_TIMEOUT;
    }
    connection_destroy(&connection);
    return rc;
}

static bool check_handshake(struct doctor *self)
{
    struct why why;
    const enum rc rc = shake(self, false, &why);

    if (rc == RC_OK)
        TELL(self, "handshake", "%s",
             self->choice.url.has_key ? "the broker holds the key of the address"
                                      : "not encrypted, as the address says");
    else if (rc == RC_DENIED)
        FAIL(self, EXIT_NO_LINK, "handshake",
             "ask an owner or operator of the broker for an invitation",
             "the broker does not let this key in");
    else
        FAIL(self, EXIT_NO_LINK, "handshake", diagnosis_mend(rc), "%s", why.text);
    return rc == RC_OK;
}

/* Wait for the link and for the answer to a ping. RC_OK, or why not; `why` is the broker's sentence. */
static enum rc say_hello(struct doctor *self, struct zchat *chat, struct zchat_event *answer,
                         char why[static 512])
{
    const uint64_t until_ms = cli_later_ms(self->args->timeout_ms);
    enum rc put_off = RC_TIMEOUT;
    uint32_t ref;

    snprintf(why, 512, "no answer to HELLO");
    if (zchat_ping(chat, &ref) != 0)
        return RC_SYSTEM;
    for (uint64_t now_ms; (now_ms = cli_now_ms()) < until_ms;) {
        zchat_next(chat, (int)(until_ms - now_ms), NULL, 0, answer);
        if (answer->kind == ZCHAT_ANSWER && answer->ref == ref)
            return (enum rc)answer->rc;
        if (answer->kind != ZCHAT_LINK || answer->rc == 0)
            continue;
        put_off = (enum rc)answer->rc;
        clean_copy(why, 512,
                   span_of(answer->text[0] != '\0' ? answer->text : rc_sentence(put_off)));
        if (answer->link == ZCHAT_LINK_REFUSED)
            return put_off;
    }
    return put_off;
}

static void check_clock(struct doctor *self, const struct zchat_event *pong)
{
    const int64_t behind_ms =
        (int64_t)(pong->ts_ms + pong->round_trip_ms / 2) - (int64_t)clock_wall_ms();
    const int64_t off_ms = behind_ms < 0 ? -behind_ms : behind_ms;

    if (off_ms > CLOCK_WARN_MS)
        WARN(self, "clock",
             "set the clocks by NTP: times that are shown, and invitations' ends, are the broker's",
             "this machine's is %" PRId64 " s %s the broker's", off_ms / 1000,
             behind_ms > 0 ? "behind" : "ahead of");
    else
        TELL(self, "clock", "within %" PRId64 " ms of the broker's", off_ms);
}

/* Let in, who, which versions, which time. */
static bool check_hello(struct doctor *self)
{
    char url[URL_BYTES_MAX], why[512];
    const struct zchat_options options = {.broker = url,
                                          .nick = self->nick.text,
                                          .home = self->args->home,
                                          .agent = "zchat/" ZCHAT_VERSION,
                                          .is_service = true};
    struct zchat_identity identity;
    struct zchat_event answer = {0};
    struct zchat *chat = NULL;
    const char *trouble = "";
    enum rc rc;

    broker_url_format(&self->choice.url, url);
    if (zchat_open(&options, &chat, &trouble) != 0) {
        FAIL(self, EXIT_NO_LINK, "hello", "", "%s", trouble);
        return false;
    }
    rc = say_hello(self, chat, &answer, why);
    zchat_describe(chat, &identity);
    if (rc == RC_NOT_LET_IN && self->has_invite)
        TELL(self, "hello",
             "%s is not known to the broker yet: `zchat --broker INVITATION` is the way in",
             self->nick.text);
    else if (rc != RC_OK)
        FAIL(self, EXIT_NO_LINK, "hello", diagnosis_mend(rc), "%s is not let in: %s (%s)",
             self->nick.text, why, rc_name(rc));
    else {
        TELL(self, "hello", "let in as %s%s%s; %s, protocol %" PRIu32 ", answers in %" PRIu32 " ms",
             zchat_nick(chat), identity.role[0] == '\0' ? "" : ", ", identity.role,
             identity.broker_agent[0] == '\0' ? "unknown version" : identity.broker_agent,
             identity.version, answer.round_trip_ms);
        check_clock(self, &answer);
    }
    zchat_close(&chat);
    return rc == RC_OK;
}

static void check_hearing(struct doctor *self)
{
    struct why why;

    if (shake(self, true, &why) == RC_OK)
        TELL(self, "hearing", "broadcasts can be heard");
    else
        FAIL(self, EXIT_NO_LINK, "hearing",
             "what stands between lets the first port through, but not the second",
             "the broker answers, but its broadcasts cannot be heard");
}

enum exit_code verb_doctor(const struct args *args)
{
    struct doctor self = {.diagnosis = {.is_json = args->is_json, .code = EXIT_DONE}, .args = args};
    enum exit_code end;

    if (check_home(&self) && check_address(&self) && check_key(&self)) {
        check_outbox(&self);
        check_brokers(&self);
        if (check_way(&self) && check_handshake(&self)) {
            if (!self.has_key)
                TELL(&self, "hello", "not said: %s",
                     self.has_invite ? "`zchat` uses the invitation"
                                     : "the first `zchat` asks for the nick");
            else if (check_hello(&self))
                check_hearing(&self);
        }
    }
    explicit_bzero(&self.keys, sizeof(self.keys));
    end = cli_flush();
    return end == EXIT_GO_ON ? self.diagnosis.code : end;
}
