/* why.h - one sentence about what went wrong: it names the file, the address or the value. */
#ifndef CLIENT_LIB_NET_WHY_H
#define CLIENT_LIB_NET_WHY_H

struct why {
    char text[1024]; /* "" when nothing was wrong */
};

/* Set the sentence, cut when it is too long. Returns nothing: the caller has its own rc. */
void why_set(struct why *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
