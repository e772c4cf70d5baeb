/* fuzz_logger_folder.c - a folder of current, rotated and compressed archives in any state: their place is found, and what is
 * appended is found again. The first byte says which format. Slow: an input is some hundred system calls. */
#include "tests/fuzz/script.h"

#include "client/logger/asides.h"
#include "client/logger/logfile.h"
#include "client/logger/recover.h"
#include "shared/base/invariant.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define STREAM    "#a"
#define FILES_MAX 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/zchat-fuzz-files-XXXXXX";
static int dir_fd = -1;

static void empty_folder(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    INVARIANT(dir != NULL);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            INVARIANT(unlinkat(dir_fd, entry->d_name, 0) == 0);
    closedir(dir);
}

static void remove_folder(void)
{
    empty_folder();
    rmdir(folder);
}

static void write_file(const char *name, struct span bytes, bool packs, bool cuts)
{
    const int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    off_t len;

    INVARIANT(fd >= 0);
    if (packs) {
        gzFile file = gzdopen(dup(fd), "wb1");

        INVARIANT(file != NULL && gzwrite(file, bytes.ptr, (unsigned)bytes.len) == (int)bytes.len);
        INVARIANT(gzclose_w(file) == Z_OK);
        len = lseek(fd, 0, SEEK_END);
        if (cuts && len > 12)
            INVARIANT(ftruncate(fd, len - 12) == 0);
    } else {
        INVARIANT(write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    }
    close(fd);
}

/* Files of one stream, whatever stands in them: only `place` decides what is appended, and it is found again. */
static void fuzz_folder(enum logfile_format format, struct script *script)
{
    static const char base[] = "%23a";
    /* before and behind the ending */
    static const char *const names[][2] = {{"", ""},
                                           {".2026-11-23", ""},
                                           {".2026-11-24.000000000009", ""},
                                           {".000000000042", ""},
                                           {".2026-11-2x", ""},
                                           {"", ".1"},
                                           {"", "-20261123"},
                                           {"b", ""}};
    const struct logfile_options options = {.dir_fd = dir_fd,
                                            .stream = STREAM,
                                            .format = format,
                                            .is_utc = true,
                                            .rotation = {.kind = ROTATE_DAILY}};
    const struct keep keep = {.count = 1};
    struct zchat_event event = {.kind = ZCHAT_EVENT,
                                .stream = STREAM,
                                .ts_ms = UINT64_C(1795478400000),
                                .type = "message",
                                .message_kind = "",
                                .from = "al",
                                .to = "",
                                .room = "",
                                .text = "hi",
                                .text_len = 2};
    const size_t count = script_byte(script) % FILES_MAX;
    struct logfile *file = NULL;
    uint64_t place;

    for (size_t i = 0; i < count; i++) {
        const unsigned how = script_byte(script);
        const char *const *parts = names[how % 8];
        char name[128];

        snprintf(name, sizeof name, "%s%s%s%s%s", base, parts[0], logfile_ending(format), parts[1],
                 how & 0x20 ? ".gz" : "");
        write_file(name, script_bytes(script, script_u16(script)), how & 8, how & 0x10);
    }
    place = asides_place(dir_fd, base, format);
    INVARIANT(asides_trim(dir_fd, base, format, &keep, 0, true) >= 0);
    INVARIANT(asides_place(dir_fd, base, format) <=
              place); /* it may have stood in a file that begins late and is damaged */
    if (logfile_open(&options, &file) != RC_OK)
        return;
    place = logfile_place(file);
    event.seq = place + 1;
    INVARIANT(logfile_append(file, &event) == RC_OK);
    INVARIANT(logfile_append(file, &event) == RC_OK); /* left out */
    logfile_close(&file);
    INVARIANT(logfile_open(&options, &file) == RC_OK);
    INVARIANT(logfile_place(file) == place + 1);
    logfile_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_over(data, size);
    const enum logfile_format format = script_byte(&script) & 1 ? LOGFILE_TEXT : LOGFILE_JSONL;

    if (dir_fd < 0) {
        INVARIANT(mkdtemp(folder) != NULL);
        dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        INVARIANT(dir_fd >= 0 && atexit(remove_folder) == 0);
    }
    fuzz_folder(format, &script);
    empty_folder();
    return 0;
}
