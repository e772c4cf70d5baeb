/* stdfds.h - descriptors 0, 1 and 2 belong to standard input, output and error, also when nobody gave them. */
#ifndef SHARED_BASE_STDFDS_H
#define SHARED_BASE_STDFDS_H

/* First thing in main(): those that are closed become /dev/null, lest a socket or the log's own files
 * get their numbers, and what is meant for people is written into them. */
void stdfds_fill(void);

#endif
