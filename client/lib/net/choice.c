#include "client/lib/net/choice.h"

#include "client/lib/net/known.h"
#include "shared/base/secret_args.h"
#include "shared/text/clean.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_same_key(const struct broker_url *a, const unsigned char *key)
{
    return a->has_key && memcmp(a->key, key, PUBLIC_KEY_BYTES) == 0;
}

static void set_key(struct broker_url *url, const unsigned char *key)
{
    memcpy(url->key, key, PUBLIC_KEY_BYTES);
    url->has_key = true;
}

/* What was given, for a sentence: without the token of an invitation, whole or cut. */
static void show_given(const char *given, char *buf, size_t capacity)
{
    const char *invite = strcasestr(given, "invite=");
    const size_t len = invite == NULL ? strlen(given) : (size_t)(invite - given);

    const size_t shown = clean_copy(buf, capacity, (struct span){given, len});

    if (invite != NULL)
        snprintf(buf + shown, capacity - shown, "invite=...");
}

static enum rc parse_addresses(const char *given, struct choice *ret, struct why *why)
{
    const char *expected = "zchat://HOST:PORT?key=KEY was expected";
    char shown[128], text[BROKERS_BYTES_MAX + URL_BYTES_MAX], invitation[URL_BYTES_MAX];
    struct span part = span_of(given);
    struct url_list list = {.count = 0};
    enum rc rc = url_list_parse(part, &list, &part, &expected);

    for (size_t i = 1; i < list.count && rc == RC_OK; i++) {
        (void)url_list_add(&ret->others, &list.item[i]);
        if (list.item[i].has_invite) {
            expected = "only the first address can be an invitation";
            broker_url_format(&list.item[i], invitation);
            part = span_of(invitation);
            rc = RC_BAD_URL;
        }
    }
    if (rc == RC_OK && list.count > 0) {
        ret->url = list.item[0];
    } else {
        snprintf(text, sizeof(text), "%.*s", (int)part.len, part.ptr);
        show_given(text, shown, sizeof(shown));
        why_set(why, "\"%s\" is not a broker's address: %s", shown, expected);
        rc = RC_BAD_URL;
    }
    explicit_bzero(text, sizeof(text));
    explicit_bzero(invitation, sizeof(invitation));
    explicit_bzero(&list, sizeof(list));
    return rc;
}

/* The addresses in the first line of a file. One that holds a secret is its owner's alone. */
static enum rc read_addresses(const char *path, struct choice *ret, struct why *why)
{
    char text[BROKERS_BYTES_MAX + URL_BYTES_MAX], check[FILES_WHY_BYTES];
    size_t len;
    enum rc rc = files_read(path, text, sizeof(text), &len, NULL);

    if (rc != RC_OK) {
        why_set(why, "cannot read the broker's address from %s: %s", path,
                rc == RC_SYSTEM    ? strerror(errno)
                : rc == RC_TOO_BIG ? "it is longer than an address"
                                   : "it belongs to another user");
        return RC_SYSTEM;
    }
    text[strcspn(text, "\r\n")] = '\0';
    rc = parse_addresses(text, ret, why);
    if (rc == RC_OK && ret->url.has_invite && files_check(path, check) != RC_OK) {
        why_set(why, "%s", check);
        broker_url_strip_invite(&ret->url);
        rc = RC_SYSTEM;
    }
    explicit_bzero(text, sizeof(text));
    return rc;
}

static enum rc find_address(const struct home *home, const char *given, struct choice *ret,
                            struct why *why)
{
    if (given == NULL || given[0] == '\0')
        given = secret_env("ZCHAT_BROKER");
    if (given != NULL && given[0] != '\0') {
        ret->source = CHOICE_GIVEN;
        return given[0] == '@' ? read_addresses(given + 1, ret, why)
                               : parse_addresses(given, ret, why);
    }
    ret->source = CHOICE_LAST;
    if (home_last_broker(home, &ret->url) == RC_OK)
        return RC_OK;
    ret->source = CHOICE_LOCAL;
    if (home_local_broker(&ret->url) == RC_OK)
        return RC_OK;
    why_set(why, "no broker is known: start zchat-broker here, or give its address with "
                 "--broker zchat://HOST:PORT?key=KEY");
    return RC_UNREACHABLE;
}

static void tell_wrong_key(const struct home *home, const struct broker_url *url,
                           const unsigned char *known, struct why *why)
{
    char is[40], was[40], path[FILE_PATH_MAX];
    char is_words[KEY_WORDS_BYTES], was_words[KEY_WORDS_BYTES];

    key_fingerprint(url->key, is);
    key_fingerprint(known, was);
    key_words(url->key, is_words);
    key_words(known, was_words);
    known_path(home, path);
    why_set(why,
            "the key of %s:%u is not the one known here: known [%s] (%s), now [%s] (%s); somebody "
            "may be in between. If the broker really has a new key, remove its line from %s",
            url->host, (unsigned)url->port, was, was_words, is, is_words, path);
}

/* An invitation stays one: it is said to the same broker. */
static void use_local(struct broker_url *url, const struct broker_url *local)
{
    const struct broker_url given = *url;

    *url = *local;
    broker_url_strip_invite(url);
    url->has_invite = given.has_invite;
    memcpy(url->invite, given.invite, sizeof(url->invite));
    memcpy(url->nick, given.nick, sizeof(url->nick));
}

static enum rc need_key(const struct broker_url *url, struct why *why)
{
    if (url->has_key || broker_url_is_local(url))
        return RC_OK;
    why_set(why,
            "the address of %s has no key, and none is known here: add ?key=KEY as the "
            "broker printed it",
            url->host);
    return RC_BAD_URL;
}

enum rc choice_key(const struct home *home, struct broker_url *url, struct why *why)
{
    unsigned char pinned[PUBLIC_KEY_BYTES];
    const enum rc rc = known_find(home, url, pinned, why);

    if (rc == RC_OK && !url->has_key)
        set_key(url, pinned);
    if (rc == RC_OK && !is_same_key(url, pinned)) {
        tell_wrong_key(home, url, pinned, why);
        return RC_WRONG_BROKER;
    }
    return rc == RC_OK || rc == RC_END ? need_key(url, why) : rc;
}

static enum rc choose_others(const struct home *home, struct url_list *others, struct why *why)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < others->count && rc == RC_OK; i++)
        rc = choice_key(home, &others->item[i], why);
    return rc;
}

enum rc choice_broker(const struct home *home, const char *given, struct choice *ret,
                      struct why *why)
{
    struct choice choice = {0};
    struct broker_url local;
    unsigned char pinned[PUBLIC_KEY_BYTES];
    bool is_local_known, is_pinned;
    enum rc rc = find_address(home, given, &choice, why);

    if (rc == RC_OK)
        rc = choose_others(home, &choice.others, why);
    if (rc != RC_OK)
        return rc;
    rc = known_find(home, &choice.url, pinned, why);
    if (rc != RC_OK && rc != RC_END)
        return rc;
    is_pinned = rc == RC_OK;
    is_local_known =
        home_local_broker(&local) == RC_OK && broker_url_is_same_place(&local, &choice.url);

    /* What the user's own broker wrote here is newer than what was remembered. */
    if (is_local_known && (choice.source != CHOICE_GIVEN || !choice.url.has_key)) {
        use_local(&choice.url, &local);
    } else if (!choice.url.has_key && is_pinned) {
        set_key(&choice.url, pinned); /* and never without one again */
    }
    if (!choice.url.has_key) {
        rc = need_key(&choice.url, why);
        if (rc == RC_OK)
            *ret = choice;
        return rc;
    }
    choice.is_new_key = !is_pinned || !is_same_key(&choice.url, pinned);
    if (is_pinned && choice.is_new_key &&
        !(is_local_known && local.has_key && is_same_key(&choice.url, local.key))) {
        tell_wrong_key(home, &choice.url, pinned, why);
        return RC_WRONG_BROKER;
    }
    *ret = choice;
    return RC_OK;
}

enum rc choice_nick(const struct home *home, const char *given, struct name *ret, struct why *why)
{
    struct passwd entry, *found = NULL;
    char names[4096], shown[128];

    if (given == NULL || given[0] == '\0')
        given = getenv("ZCHAT_NICK");
    if (given == NULL || given[0] == '\0') {
        if (home_last_nick(home, ret) == RC_OK)
            return RC_OK;
        if (getpwuid_r(geteuid(), &entry, names, sizeof(names), &found) != 0 || found == NULL) {
            why_set(why, "who are you? Give a nick with --nick");
            return RC_BAD_NAME;
        }
        given = entry.pw_name;
    }
    if (given[0] == '@')
        given++;
    if (name_parse(span_of(given), ret) == RC_OK)
        return RC_OK;
    clean_copy(shown, sizeof(shown), span_of(given));
    why_set(why, "\"%s\" cannot be a nick: %s", shown, rc_sentence(RC_BAD_NAME));
    return RC_BAD_NAME;
}
