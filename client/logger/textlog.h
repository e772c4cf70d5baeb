/* textlog.h - the text form of an archive: what readers of IRC logs (irclog2html, grep, people) know.
 *
 *     --- Log opened 2026-11-23 +0100, #lobby from 17
 *     [09:21:50] <bob> hello
 *     [09:21:52] <bob> a message of \
 *     [09:21:52] <bob> two lines
 *     [09:21:55] --> carol joined #lobby
 *     [09:22:10] -!- alice changed the topic of #lobby to: tea
 *     --- Gap 22 to 30, no longer kept by the broker: #lobby from 31
 *
 * Lines that begin with `---` are ours alone and say the number of the next event; each other line begins with its time,
 * so no text of a peer can look like another line, and the events behind the last `---` can be counted. All but the last
 * line of a message end with ` \`; a last line that would end with a backslash has a blank behind it. */
#ifndef CLIENT_LOGGER_TEXTLOG_H
#define CLIENT_LOGGER_TEXTLOG_H

#include "client/lib/zchat.h"
#include "client/logger/calendar.h"
#include "shared/base/span.h"

#include <stdio.h>

/* Lines of one message at most; further ones stand in the last, with U+23CE between. */
#define TEXTLOG_LINES_MAX 64

/* What a log that is not new tells before an event, since its date, its zone or its place would not be known otherwise. */
#define TEXTLOG_OPENED  "Log opened"
#define TEXTLOG_DAY     "Day changed"
#define TEXTLOG_CLOCK   "Clock changed"
#define TEXTLOG_GOES_ON "Log goes on"

void textlog_mark(FILE *out, const char *what, const struct calendar *when, const char *stream,
                  uint64_t next_seq);
void textlog_gap(FILE *out, const struct zchat_event *gap, const struct calendar *when);
void textlog_event(FILE *out, const struct zchat_event *event, const struct calendar *when);

/* One of our own lines, without its newline: the number of the next event, and the date ("" when it has none).
 * 0: it is no such line. */
uint64_t textlog_read_mark(struct span line, struct calendar *ret);

/* What a line without its newline is. */
enum textlog_line { TEXTLOG_BAD, TEXTLOG_LAST, TEXTLOG_CONTINUED };
enum textlog_line textlog_read_line(struct span line);

#endif
