#include "client/lib/net/roster.h"

#include "client/lib/net/outbox_folder.h"
#include "shared/base/alloc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (BROKERS_BYTES_MAX + 2 * URL_BYTES_MAX)
#define FILES_MAX      1024 /* of a folder that are looked at */

/* What a file holds: `chat NUMBER`, `named ADDRESS`, `brokers ADDRESS ...`, a line each. */
struct kept {
    uint64_t chat;
    struct broker_url named;
    struct url_list brokers;
};

/* By their keys; without any, by their places. */
static bool is_same_broker(const struct broker_url *a, const struct broker_url *b)
{
    if (a->has_key != b->has_key)
        return false;
    return a->has_key ? memcmp(a->key, b->key, PUBLIC_KEY_BYTES) == 0
                      : broker_url_is_same_place(a, b);
}

static void path_of(const struct roster *self, const char *file, char buf[FILE_PATH_MAX])
{
    snprintf(buf, FILE_PATH_MAX, "%s/brokers/%.*s", self->home->state, 255, file);
}

static struct span rest_of(char **line, const char *name)
{
    const size_t len = strlen(name);
    char *begin = *line, *end = strchrnul(begin, '\n');
    const bool is_it = strncmp(begin, name, len) == 0;

    *line = *end == '\0' ? end : end + 1;
    return is_it ? (struct span){begin + len, (size_t)(end - begin) - len} : (struct span){0};
}

static bool parse_kept(char *text, struct kept *ret)
{
    unsigned char chat[sizeof(ret->chat)];
    const char *ignored;
    struct span part;

    if (hex_decode(rest_of(&text, "chat "), chat, sizeof(chat)) != RC_OK)
        return false;
    ret->chat = 0;
    for (size_t i = 0; i < sizeof(chat); i++)
        ret->chat = ret->chat << 8 | chat[i];
    return broker_url_parse(rest_of(&text, "named "), &ret->named, &ignored) == RC_OK &&
           url_list_parse(rest_of(&text, "brokers "), &ret->brokers, &part, &ignored) == RC_OK &&
           ret->brokers.count > 0;
}

/* A file that cannot be read is like none. */
static bool read_kept(const struct roster *self, const char *file, struct kept *ret)
{
    char path[FILE_PATH_MAX], text[FILE_BYTES_MAX];
    size_t len;

    path_of(self, file, path);
    return files_read(path, text, sizeof(text), &len, NULL) == RC_OK && parse_kept(text, ret);
}

static bool holds(const struct kept *kept, const struct broker_url *url)
{
    for (size_t i = 0; i < kept->brokers.count; i++) {
        if (is_same_broker(&kept->brokers.item[i], url))
            return true;
    }
    return false;
}

/* The chat of that broker: the file of its own name first. */
static bool find_kept(const struct roster *self, const struct broker_url *url, struct kept *ret)
{
    char path[FILE_PATH_MAX], id[OUTBOX_ID_BYTES];
    const struct dirent *entry;
    bool is_found;
    DIR *folder;

    outbox_broker_id(url, id);
    if (read_kept(self, id, ret) && holds(ret, url))
        return true;
    path_of(self, "", path);
    folder = opendir(path);
    is_found = false;
    for (size_t i = 0; folder != NULL && !is_found && i < FILES_MAX; i++) {
        entry = readdir(folder);
        if (entry == NULL)
            break;
        is_found = strlen(entry->d_name) == OUTBOX_ID_BYTES - 1 &&
                   read_kept(self, entry->d_name, ret) && holds(ret, url);
    }
    if (folder != NULL)
        closedir(folder);
    return is_found;
}

/* May this be gone to, as a broker told that was reached over `link`? */
static bool take_told(const struct roster *self, const struct broker_url *link,
                      struct broker_url *url)
{
    struct why ignored;

    broker_url_strip_invite(url);
    if (link->has_key ? !url->has_key : !broker_url_is_local(url))
        return false;
    return choice_key(self->home, url, &ignored) == RC_OK;
}

static void add_told(struct roster *self, const struct broker_url *link,
                     const struct url_list *told)
{
    for (size_t i = 0; i < told->count; i++) {
        struct broker_url url = told->item[i];

        if (take_told(self, link, &url))
            (void)url_list_add(&self->all, &url);
    }
}

void roster_open(struct roster *self, const struct home *home, const struct choice *choice)
{
    struct kept *kept = x_alloc(1, sizeof(*kept));
    struct broker_url first = choice->url;

    *self = (struct roster){.home = home};
    broker_url_strip_invite(&first);
    (void)url_list_add(&self->given, &first);
    for (size_t i = 0; i < choice->others.count; i++)
        (void)url_list_add(&self->given, &choice->others.item[i]);
    self->all = self->given;
    self->named = first;
    if (find_kept(self, &first, kept)) {
        self->chat = kept->chat;
        self->named = kept->named;
        self->is_kept = true;
        add_told(self, &first, &kept->brokers);
    }
    free(kept);
}

/* A number for a key; without one, for the place. */
static uint64_t number_of(const struct roster *self, size_t index)
{
    uint64_t number = index + 1;

    if (self->all.item[index].has_key)
        memcpy(&number, self->all.item[index].key, sizeof(number));
    return number;
}

static void tell_model(const struct roster *self, struct model *model, bool is_home)
{
    uint64_t keys[BROKERS_MAX];

    for (size_t i = 0; i < self->all.count; i++)
        keys[i] = number_of(self, i);
    model_set_brokers(model, keys, self->all.count, self->chat, is_home);
}

void roster_begin(const struct roster *self, struct model *model)
{
    /* Where another broker gave the name, this one has to say that it serves the same chat before anything is sent there. */
    tell_model(self, model, self->chat == 0 || is_same_broker(&self->named, &self->all.item[0]));
}

void roster_learn(struct roster *self, struct model *model, const struct message *message)
{
    const struct broker_url link = *roster_broker(self);
    struct url_list *told = x_alloc(1, sizeof(*told));
    const char *ignored;
    struct span part;

    if (message->verb == VERB_WELCOME)
        self->chat = message_has(message, HAS_CHAT) ? message->chat : 0;
    if (!message_has(message, HAS_BROKERS) ||
        url_list_parse(message->brokers, told, &part, &ignored) != RC_OK)
        told->count = 0;
    self->all = (struct url_list){.count = 0};
    (void)url_list_add(&self->all, &link);
    for (size_t i = 0; i < self->given.count; i++)
        (void)url_list_add(&self->all, &self->given.item[i]);
    add_told(self, &link, told);
    self->at = 0;
    tell_model(self, model, true);
    free(told);
}

void roster_keep(struct roster *self)
{
    char path[FILE_PATH_MAX], id[OUTBOX_ID_BYTES], named[URL_BYTES_MAX];
    char list[BROKERS_BYTES_MAX + 1], text[FILE_BYTES_MAX], old[FILE_BYTES_MAX];
    size_t len = 0;

    if (self->all.count < 2 && !self->is_kept)
        return;
    path_of(self, "", path);
    if (url_list_format(&self->all, list) != RC_OK || files_make_folder(path) != RC_OK)
        return;
    outbox_broker_id(&self->named, id);
    path_of(self, id, path);
    broker_url_format(&self->named, named);
    snprintf(text, sizeof(text), "chat %016" PRIx64 "\nnamed %s\nbrokers %s\n", self->chat, named,
             list);
    if (files_read(path, old, sizeof(old), &len, NULL) == RC_OK && strcmp(old, text) == 0)
        return;
    if (files_write(path, span_of(text), false) == RC_OK)
        self->is_kept = true;
}
