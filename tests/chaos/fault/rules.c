#include "tests/chaos/fault/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#define RULES_MAX      8
#define SPEC_BYTES_MAX 1024
#define WRONG_RULE     99 /* exit code */

struct rule {
    enum call call;
    enum verdict verdict;
    const char *action;
    int error;
    unsigned long nth, after; /* 0: any */
    const char *path;
    const char *flag; /* the file that switches it on */
    atomic_ulong count;
};

static const char *const call_name[CALL_KINDS] = {"malloc", "write", "fsync", "open", "accept"};

static const struct {
    const char *name;
    enum verdict verdict;
    int error;
} actions[] = {
    {"EIO", FAIL, EIO},     {"ENOSPC", FAIL, ENOSPC}, {"EMFILE", FAIL, EMFILE},
    {"EROFS", FAIL, EROFS}, {"ENOMEM", FAIL, ENOMEM}, {"EACCES", FAIL, EACCES},
    {"skip", SKIP, 0},      {"count", PASS, 0},
};

static char spec[SPEC_BYTES_MAX];
static struct rule rules[RULES_MAX];
static size_t rule_count;
static int log_fd = -1;

static _Noreturn void refuse(const char *word)
{
    dprintf(STDERR_FILENO, "ZCHAT_FAULT: not understood: %s\n", word);
    _exit(WRONG_RULE);
}

static void set_call(struct rule *rule, const char *word)
{
    for (int i = 0; i < CALL_KINDS; i++) {
        if (strcmp(word, call_name[i]) == 0) {
            rule->call = (enum call)i;
            return;
        }
    }
    refuse(word);
}

static void set_action(struct rule *rule, const char *word)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(word, actions[i].name) == 0) {
            rule->action = word;
            rule->verdict = actions[i].verdict;
            rule->error = actions[i].error;
            return;
        }
    }
    refuse(word);
}

static void set_key(struct rule *rule, char *word)
{
    char *value = strchr(word, '=');

    if (value == NULL)
        refuse(word);
    *value++ = '\0';
    if (strcmp(word, "nth") == 0)
        rule->nth = strtoul(value, NULL, 10);
    else if (strcmp(word, "after") == 0)
        rule->after = strtoul(value, NULL, 10);
    else if (strcmp(word, "path") == 0)
        rule->path = value;
    else if (strcmp(word, "while") == 0)
        rule->flag = value;
    else
        refuse(word);
}

static void load_rule(char *text)
{
    struct rule *rule = &rules[rule_count];
    char *rest = NULL;
    int at = 0;

    if (rule_count == RULES_MAX)
        refuse(text);
    for (char *word = strtok_r(text, ":", &rest); word != NULL; word = strtok_r(NULL, ":", &rest)) {
        if (at == 0)
            set_call(rule, word);
        else if (at == 1)
            set_action(rule, word);
        else
            set_key(rule, word);
        at++;
    }
    if (at < 2)
        refuse(text);
    rule_count++;
}

void rules_load(void)
{
    const char *given = getenv("ZCHAT_FAULT"), *log = getenv("ZCHAT_FAULT_LOG");
    char *rest = NULL;

    if (given == NULL)
        return;
    if (snprintf(spec, sizeof(spec), "%s", given) >= (int)sizeof(spec))
        refuse(given);
    if (log != NULL)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                              0666);
    for (char *text = strtok_r(spec, ";", &rest); text != NULL; text = strtok_r(NULL, ";", &rest))
        load_rule(text);
}

/* Without stdio: it may want memory, and we may be in malloc(). */
static void tell(const struct rule *rule, unsigned long number)
{
    char line[64], digits[24];
    size_t len = 0, count = 0;

    for (const char *c = call_name[rule->call]; *c != '\0'; c++)
        line[len++] = *c;
    line[len++] = ' ';
    for (const char *c = rule->action; *c != '\0'; c++)
        line[len++] = *c;
    line[len++] = ' ';
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0)
        line[len++] = digits[--count];
    line[len++] = '\n';
    if (log_fd >= 0)
        (void)!syscall(SYS_write, log_fd, line, len);
}

static bool is_on(const struct rule *rule)
{
    return rule->flag == NULL || syscall(SYS_faccessat, AT_FDCWD, rule->flag, F_OK) == 0;
}

static bool is_path_meant(const struct rule *rule, const char *path, int fd)
{
    char link[32], target[512];
    ssize_t len;

    if (rule->path == NULL)
        return true;
    if (path != NULL && path[0] == '/')
        return strncmp(path, rule->path, strlen(rule->path)) == 0;
    if (fd < 0)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, target, sizeof(target) - 1);
    if (len < 0)
        return false;
    target[len] = '\0';
    return strncmp(target, rule->path, strlen(rule->path)) == 0;
}

enum verdict rules_judge(enum call call, const char *path, int fd)
{
    const int error = errno;

    for (size_t i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        unsigned long number;

        if (rule->call != call || !is_on(rule) || !is_path_meant(rule, path, fd))
            continue;
        number = atomic_fetch_add(&rule->count, 1) + 1;
        if (rule->verdict == PASS || (rule->nth != 0 && number != rule->nth) ||
            number <= rule->after)
            continue;
        tell(rule, number);
        errno = rule->error;
        return rule->verdict;
    }
    errno = error;
    return PASS;
}

void rules_tell_counts(void)
{
    for (size_t i = 0; i < rule_count; i++) {
        if (rules[i].verdict == PASS)
            tell(&rules[i], atomic_load(&rules[i].count));
    }
}
