/* fuzz_logger_files.c - any bytes as an archive that a crash, a disk or a person has left: its place is found, and what is
 * appended behind the cut is found again. The first byte says which format. fuzz_logger_folder.c has many files. */
#include "tests/fuzz/script.h"

#include "client/logger/recover.h"
#include "client/logger/textlog.h"
#include "shared/base/invariant.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tail(const struct tail *tail, uint64_t size)
{
    INVARIANT(tail->size_bytes <= size);
    INVARIANT(tail->mark_bytes <= tail->size_bytes);
    INVARIANT((tail->place == 0) == (tail->size_bytes == 0));
    INVARIANT(tail->when.date[0] == '\0' || calendar_day(tail->when.date) > 0);
}

/* The file itself: all calls that read it are those of the program. */
static int file_of(struct span bytes)
{
    static int fd = -1;

    if (fd < 0)
        fd = memfd_create("archive", MFD_CLOEXEC);
    INVARIANT(fd >= 0 && ftruncate(fd, 0) == 0);
    INVARIANT(pwrite(fd, bytes.ptr, bytes.len, 0) == (ssize_t)bytes.len);
    return fd;
}

static void fuzz_file(enum logfile_format format, struct span bytes)
{
    const struct span next =
        format == LOGFILE_TEXT
            ? SPAN("--- Log goes on 2026-11-24 +0000, #a from 77\n[00:00:00] <al> hi\n")
            : SPAN("{\"stream\":\"#a\",\"seq\":77,\"ts\":\"2026-11-24T00:00:00.000Z\"}\n");
    struct tail tail = {.size_bytes = 0}, again = {.size_bytes = 0};
    struct span line = script_block(bytes);
    const int fd = file_of(bytes);

    if (recover_line(line, &tail))
        INVARIANT(tail.place > 0);
    (void)textlog_read_line(line);
    (void)textlog_read_mark(line, &tail.when);
    free((char *)(uintptr_t)line.ptr);
    (void)recover_first(fd, format);
    if (recover_file(fd, format, &tail) != RC_OK || recover_is_compressed(fd))
        return;
    check_tail(&tail, bytes.len);
    /* What the logger does next: cut, and write on. */
    INVARIANT(ftruncate(fd, (off_t)tail.size_bytes) == 0);
    INVARIANT(recover_file(fd, format, &again) == RC_OK);
    INVARIANT(again.place == tail.place && again.size_bytes == tail.size_bytes);
    INVARIANT(pwrite(fd, next.ptr, next.len, (off_t)tail.size_bytes) == (ssize_t)next.len);
    INVARIANT(recover_file(fd, format, &again) == RC_OK);
    INVARIANT(again.place == 77 && again.size_bytes == tail.size_bytes + next.len);
    INVARIANT(again.ts_ms == UINT64_C(1795478400000) || strcmp(again.when.date, "2026-11-24") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_over(data, size);
    const enum logfile_format format = script_byte(&script) & 1 ? LOGFILE_TEXT : LOGFILE_JSONL;

    fuzz_file(format, script_bytes(&script, script.left));
    return 0;
}
