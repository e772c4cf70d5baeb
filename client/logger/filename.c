#include "client/logger/filename.h"

#include "shared/base/limits.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

static size_t encode(const char *stream, bool keep_beyond_ascii, char *buf)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;

    for (; *stream != '\0'; stream++) {
        const unsigned char byte = (unsigned char)*stream;

        if (len + 4 > FILENAME_BYTES_MAX)
            return 0;
        if (is_plain(byte) || (keep_beyond_ascii && byte >= 0x80)) {
            buf[len++] = (char)byte;
            continue;
        }
        buf[len++] = '%';
        buf[len++] = digits[byte >> 4];
        buf[len++] = digits[byte & 15];
    }
    buf[len] = '\0';
    return len;
}

size_t filename_of_stream(const char *stream, char *buf)
{
    size_t len = 0;

    buf[0] = '\0';
    if (strlen(stream) > STREAM_BYTES_MAX)
        return 0;
    len = encode(stream, false, buf);
    /* 128 bytes of a name (protocol 4.1) would be 384 in percents; a file's name has 255. */
    if (len == 0)
        len = encode(stream, true, buf);
    return len;
}
