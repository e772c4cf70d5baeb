/* filename.h - a stream's name as a file's name: no room can leave the folder. */
#ifndef CLIENT_LOGGER_FILENAME_H
#define CLIENT_LOGGER_FILENAME_H

#include <stddef.h>

/* Longest result with its NUL; leaves room for a date, a number and an ending within NAME_MAX. */
#define FILENAME_BYTES_MAX 190

/* Write `stream` percent-encoded: all but ASCII letters, digits, `-` and `_` become %XX ("#lobby":
 * "%23lobby"). A name that would grow too long for a file keeps its bytes beyond ASCII as they are;
 * different names still have different files. buf must have FILENAME_BYTES_MAX bytes.
 * Returns the length, 0 for a stream that cannot be named (longer than protocol 4.1 allows). */
size_t filename_of_stream(const char *stream, char *buf);

#endif
