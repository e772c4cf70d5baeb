/* fuzz_logger_files.c - any bytes as an archive that a crash, a disk or a person has left: its place is found from its
 * end, and what is appended behind the cut is found again. The first byte says which format. */
#include "tests/fuzz/script.h"

#include "client/logger/recover.h"
#include "shared/base/invariant.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tail(const struct tail *tail, uint64_t size)
{
    INVARIANT(tail->size_bytes <= size);
    INVARIANT((tail->place == 0) == (tail->size_bytes == 0));
    INVARIANT(memchr(tail->date, '\0', sizeof tail->date) != NULL);
    INVARIANT(tail->date[0] == '\0' || strlen(tail->date) == 10);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_over(data, size);
    const enum logfile_format format = script_byte(&script) & 1 ? LOGFILE_TEXT : LOGFILE_JSONL;
    const struct span next = format == LOGFILE_TEXT
                                 ? SPAN("77 2026-11-24T00:00:00Z <al> hi\n")
                                 : SPAN("{\"stream\":\"#a\",\"seq\":77,\"ts\":\"2026-11-24\"}\n");
    const struct span bytes = script_bytes(&script, script.left);
    struct tail tail = {.size_bytes = 0}, again = {.size_bytes = 0};
    struct span line = script_block(bytes);
    const int fd = file_of(bytes);

    if (recover_line(format, line, &tail))
        INVARIANT(tail.place > 0);
    free((char *)(uintptr_t)line.ptr);
    if (recover_file(fd, format, &tail) != RC_OK)
        return 0;
    check_tail(&tail, bytes.len);
    /* What the logger does next: cut, and write on. */
    INVARIANT(ftruncate(fd, (off_t)tail.size_bytes) == 0);
    INVARIANT(recover_file(fd, format, &again) == RC_OK);
    INVARIANT(again.place == tail.place && again.size_bytes == tail.size_bytes);
    INVARIANT(pwrite(fd, next.ptr, next.len, (off_t)tail.size_bytes) == (ssize_t)next.len);
    INVARIANT(recover_file(fd, format, &again) == RC_OK);
    INVARIANT(again.place == 77 && again.size_bytes == tail.size_bytes + next.len);
    INVARIANT(strcmp(again.date, "2026-11-24") == 0);
    return 0;
}
