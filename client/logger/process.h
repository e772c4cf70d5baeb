/* process.h - what the logger asks of the system before it begins. */
#ifndef CLIENT_LOGGER_PROCESS_H
#define CLIENT_LOGGER_PROCESS_H

/* The archive's folder, made if it is missing, and ours alone: two loggers would write everything twice. -1: said on
 * stderr. */
int process_open_folder(const char *path);

/* Before any thread is: signals are read from the descriptor that is returned (-1: errno), and a room needs a file or two. */
int process_prepare(void);

#endif
