/* parse.h - configuration files as text: lines, quotation marks, includes. Pure: a loader brings the texts. */
#ifndef SHARED_CONF_PARSE_H
#define SHARED_CONF_PARSE_H

#include "shared/conf/conf.h"

#define CONF_LINE_BYTES_MAX 2048
#define CONF_TEXT_BYTES_MAX (1 << 20)

struct conf_text {
    char *bytes; /* owned by whoever asked; freed with free() */
    size_t len;
    uint64_t id[2]; /* the same file has the same id, whatever its path */
};

struct conf_paths {
    char **path; /* owned, and each of them */
    size_t count;
};

struct conf_loader {
    void *context;
    /* RC_CONFIG: `why` is why it cannot be read, in a few words. */
    enum rc (*load)(void *context, const char *path, bool is_included, struct conf_text *ret,
                    char why[static CONF_WHY_BYTES]);
    /* The files that a pattern with * ? or [ names, in order; none is fine. */
    enum rc (*expand)(void *context, const char *pattern, struct conf_paths *ret,
                      char why[static CONF_WHY_BYTES]);
};

/* As conf_read_file(). */
enum rc conf_parse(const struct conf_schema *schema, void *settings, const char *path,
                   const struct conf_loader *loader, struct conf_files *ret_files,
                   char why[static CONF_WHY_BYTES]) MUST_CHECK;

/* Write a value so that it is read as it is: in quotation marks where it must be. */
void conf_write_value(FILE *out, const char *value);

#endif
