/* common.h - the rows that every program's table has, for settings that begin with `struct conf_common common`. */
#ifndef SHARED_CONF_COMMON_H
#define SHARED_CONF_COMMON_H

#include "shared/conf/conf.h"

#define CONF_COMMON_FLAG(key_, type_, member_, help_)                                         \
    {                                                                                         \
        .key = (key_), .type = CONF_FLAG, CONF_AT(type_, common.member_), .is_command = true, \
        .help = (help_)                                                                       \
    }

#define CONF_COMMON_CONFIG(type_)                                                              \
    {                                                                                          \
        .key = "config", .type = CONF_TEXT, CONF_AT(type_, common.config), .is_command = true, \
        .argument = "FILE",                                                                    \
        .help = "read this configuration file: lines of `key = value`, `#` begins a comment"   \
    }

#define CONF_COMMON_FLAGS(type_)                                                           \
    CONF_COMMON_FLAG("check-config", type_, is_check, "check the configuration and exit"), \
        CONF_COMMON_FLAG("print-config", type_, is_print,                                  \
                         "print the configuration as it would be used, and exit"),         \
        CONF_COMMON_FLAG("help", type_, is_help, "print this and exit"),                   \
        CONF_COMMON_FLAG("version", type_, is_version, "print name and version and exit")

#endif
