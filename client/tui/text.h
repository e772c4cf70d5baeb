/* text.h - text as a terminal shows it: clusters, cells, words, rows.
 *
 * A cluster is what people take for one character (UAX 29, by ICU's properties): a letter with its accents, a flag, a
 * family of emoji. Offsets are bytes; `at` stands at a cluster's begin, 0 or text.len. Widths are those of wcwidth(3)
 * of the process's locale, set before with setlocale(); where that is not UTF-8, all but ASCII shows as `?`.
 *
 * Terminals disagree about the width of emoji with a skin tone, joiner or variation selector, and a wrong width
 * shifts the rest of a row. So these are left out of what is shown: a family shows as its people side by side.
 * The text itself keeps them. Ill-formed bytes are clusters of their own. */
#ifndef CLIENT_TUI_TEXT_H
#define CLIENT_TUI_TEXT_H

#include "shared/base/span.h"

#include <stddef.h>

#define TEXT_CLUSTER_WIDTH_MAX 8   /* cells; what would need more is cut */
#define TEXT_MARKS_MAX         4   /* accents on one letter that are shown; ncurses takes no more */
#define TEXT_SHOWN_BYTES       192 /* of one cluster, with its NUL */

/* One cluster, ready for the terminal. */
struct text_cluster {
    size_t len;                   /* bytes of the text it stands for, at least 1 */
    size_t width;                 /* cells; 0 only for what is invisible (a zero-width space) */
    char shown[TEXT_SHOWN_BYTES]; /* safe to print; NUL-terminated */
};

/* The cluster's end behind `at`, which is below text.len; the cluster's begin before `at`, which is above 0. */
size_t text_next(struct span text, size_t at);
size_t text_prev(struct span text, size_t at);

/* The cluster at `at`, which is below text.len. Shown are: TAB as a space, LF and CR LF as U+23CE, what may not reach a
 * terminal (shared/text/utf8.h), what wcwidth() does not know and ill-formed bytes as U+FFFD, an accent without
 * a letter on U+25CC. */
void text_cluster_at(struct span text, size_t at, struct text_cluster *ret);

/* Cells of the whole text, shown in one row. */
size_t text_width(struct span text);

/* How many bytes at the front are whole clusters and need at most `width` cells; *ret_width (or NULL) is what they need. */
size_t text_fit(struct span text, size_t width, size_t *ret_width);

/* The text as it is shown, in at most `width` cells, into a buffer; when it must be cut it ends with U+2026 (`~` where the
 * locale is not UTF-8). NUL-terminated; also cut where the buffer ends. Returns the cells used. */
size_t text_cut(char *buf, size_t capacity, struct span text, size_t width);

/* Where the row that begins at `at` ends when it has `width` cells: rows break at LF, behind spaces and hyphens, beside
 * ideographs, and elsewhere only when a word is longer than a row. At least one cluster is taken. *ret_next is where the
 * next row begins: behind the LF or the spaces at the break. A text that ends with LF has one more, empty row. */
size_t text_row(struct span text, size_t at, size_t width, size_t *ret_next);

/* The end of the word at or behind `at` (text.len: there is none), and the begin of the word before `at` (0). Words are
 * ICU's: letters and digits of one script; dictionaries part Chinese, Japanese and Thai. One thread only. */
size_t text_word_next(struct span text, size_t at);
size_t text_word_prev(struct span text, size_t at);

/* The begin of what stands before `at` between white space. */
size_t text_blank_prev(struct span text, size_t at);

#endif
