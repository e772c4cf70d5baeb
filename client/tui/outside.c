#include "client/tui/outside.h"

#include "client/tui/screen.h"
#include "client/tui/spawn.h"

#include "shared/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16
#define LOOK_MS   50

/* In the folder of this session, which is gone when the person logs out, else in /tmp. */
static int make_file(char *path, size_t capacity)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");

    snprintf(path, capacity, "%s/zchat-message-XXXXXX",
             folder != NULL && folder[0] == '/' ? folder : "/tmp");
    return mkostemp(path, O_CLOEXEC);
}

static bool write_all(int fd, struct span text)
{
    while (text.len > 0) {
        const ssize_t done = write(fd, text.ptr, text.len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        text.ptr += done;
        text.len -= (size_t)done;
    }
    return true;
}

/* "emacs -nw" is two words; no shell looks at them. */
static size_t split(char *command, char **argv)
{
    char *rest = command;
    size_t count = 0;

    while (count < WORDS_MAX) {
        char *word = strsep(&rest, " ");

        if (word == NULL)
            break;
        if (word[0] != '\0')
            argv[count++] = word;
    }
    return count;
}

static pid_t start(char *path)
{
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    const char *chosen = visual != NULL && visual[0] != '\0'   ? visual
                         : editor != NULL && editor[0] != '\0' ? editor
                                                               : "editor";
    char command[1024], *argv[WORDS_MAX + 2];
    size_t count;

    snprintf(command, sizeof(command), "%s", chosen);
    count = split(command, argv);
    if (count == 0) {
        errno = ENOENT;
        return -1;
    }
    argv[count] = path;
    argv[count + 1] = NULL;
    return spawn_here(argv);
}

/* True: it ended well. What the broker tells meanwhile is kept for the screen. */
static bool wait_for(struct session *self, pid_t pid)
{
    int status = 0;

    for (;;) {
        struct zchat_event event;
        const pid_t ended = waitpid(pid, &status, WNOHANG);

        if (ended == pid)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (ended < 0 && errno != EINTR)
            return false;
        if (cli_signal() != 0)
            kill(pid, SIGHUP);
        if (zchat_next(self->talk.chat, LOOK_MS, NULL, 0, &event) == 0)
            session_event(self, &event);
    }
}

static void read_back(struct session *self, const char *path)
{
    struct editor *editor = desk_current(&self->desk)->editor;
    char text[TEXT_BYTES_MAX + 2];
    FILE *file = fopen(path, "re");
    size_t len;

    if (file == NULL) {
        session_hint(self, "cannot read %s: %s", path, strerror(errno));
        return;
    }
    len = fread(text, 1, sizeof(text), file);
    fclose(file);
    if (len > 0 && text[len - 1] == '\n')
        len--;
    switch (editor_restore(editor, (struct span){text, len}, len)) {
    case RC_OK:
        break;
    case RC_TOO_BIG:
        session_hint(self, "too long: a message has at most %d bytes", TEXT_BYTES_MAX);
        break;
    default:
        session_hint(self, "not taken: it is not valid UTF-8, or has controls in it");
        break;
    }
}

void outside_edit(struct session *self)
{
    char path[512];
    const int fd = make_file(path, sizeof(path));
    bool is_done = false;
    pid_t pid;

    if (fd < 0) {
        session_hint(self, "cannot make %s: %s", path, strerror(errno));
        return;
    }
    if (!write_all(fd, editor_text(desk_current(&self->desk)->editor))) {
        session_hint(self, "cannot write %s: %s", path, strerror(errno));
    } else {
        screen_leave();
        pid = start(path);
        if (pid < 0)
            session_hint(self, "cannot start the editor ($VISUAL, $EDITOR): %s", strerror(errno));
        else
            is_done = wait_for(self, pid);
        screen_enter();
        if (is_done)
            read_back(self, path);
    }
    close(fd);
    unlink(path);
}
