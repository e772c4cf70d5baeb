#include "shared/text/name.h"

#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>

/* Before normalization a name may be longer (letters with separate accents, ligatures), but not without
 * end. */
#define GIVEN_BYTES_MAX (4 * NAME_BYTES_MAX)

/* No letter of ICU 72 has a skeleton of more than 21 bytes; a longer one refuses the name. */
#define SKELETON_BYTES_MAX (64 * NAME_CHARS_MAX)

static struct {
    pthread_once_t once;
    const UNormalizer2 *fold; /* NULL: ICU's data is missing; then only ASCII names are names */
    const USpoofChecker *spoof;
} icu = {.once = PTHREAD_ONCE_INIT};

/* Used by all threads afterwards: ICU allows that as long as nobody changes the checker. */
static void icu_open(void)
{
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *fold = unorm2_getNFKCCasefoldInstance(&error);
    USpoofChecker *spoof = uspoof_open(&error);

    /* HIDDEN_OVERLAY refuses i with a second dot, which looks like i and has another skeleton. */
    uspoof_setChecks(spoof,
                     USPOOF_RESTRICTION_LEVEL | USPOOF_INVISIBLE | USPOOF_MIXED_NUMBERS |
                         USPOOF_HIDDEN_OVERLAY,
                     &error);
    if (U_FAILURE(error)) {
        uspoof_close(spoof);
        return;
    }
    uspoof_setRestrictionLevel(spoof, USPOOF_HIGHLY_RESTRICTIVE);
    icu.fold = fold;
    icu.spoof = spoof;
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

/* Put a skeleton into its buffer, or, in place of one that is too long, its hash behind a `=`,
 * which no skeleton begins with. */
static void set_skeleton(struct name *self, struct span skeleton)
{
    unsigned char hash[crypto_generichash_BYTES];
    size_t len = skeleton.len;

    if (skeleton.len <= NAME_BYTES_MAX) {
        memcpy(self->skeleton, skeleton.ptr, skeleton.len);
        self->skeleton[skeleton.len] = '\0';
    } else {
        crypto_generichash(hash, sizeof hash, (const unsigned char *)skeleton.ptr, skeleton.len,
                           NULL, 0);
        self->skeleton[0] = '=';
        sodium_bin2hex(self->skeleton + 1, sizeof self->skeleton - 1, hash, sizeof hash);
        len = 1 + 2 * sizeof hash;
    }
    self->skeleton_len = (unsigned char)len;
}

/* The skeletons of a-z, 0-9, - and _ are themselves, but for these (the test asks ICU). */
static struct span ascii_skeleton(const char *c)
{
    switch (*c) {
    case '0':
        return SPAN("O");
    case '1':
        return SPAN("l");
    case 'm':
        return SPAN("rn");
    default:
        return (struct span){c, 1};
    }
}

static enum rc parse_ascii(struct span given, struct name *name)
{
    char skeleton[2 * NAME_CHARS_MAX];
    size_t skeleton_len = 0;

    if (given.len == 0 || given.len > NAME_CHARS_MAX)
        return RC_BAD_NAME;
    for (size_t i = 0; i < given.len; i++) {
        const char c = given.ptr[i];
        const bool is_upper = c >= 'A' && c <= 'Z';
        const bool is_alnum = is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!is_alnum && (i == 0 || (c != '-' && c != '_')))
            return RC_BAD_NAME;
        name->text[i] = is_upper ? (char)(c + ('a' - 'A')) : c;
        const struct span piece = ascii_skeleton(&name->text[i]);
        memcpy(skeleton + skeleton_len, piece.ptr, piece.len);
        skeleton_len += piece.len;
    }
    name->text[given.len] = '\0';
    name->text_len = (unsigned char)given.len;
    set_skeleton(name, (struct span){skeleton, skeleton_len});
    return RC_OK;
}

static bool is_name_char(UChar32 point, bool is_first)
{
    const uint32_t category = U_MASK(u_charType(point));

    if (u_hasBinaryProperty(point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
        return false;
    if (is_first)
        return (category & (U_GC_L_MASK | U_GC_ND_MASK)) != 0;
    return (category & (U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK)) != 0 || point == '-' ||
           point == '_';
}

static bool has_name_chars(const UChar *text, int32_t len)
{
    int32_t at = 0;
    size_t count = 0;
    UChar32 point;

    while (at < len) {
        U16_NEXT(text, at, len, point);
        if (!is_name_char(point, count == 0) || ++count > NAME_CHARS_MAX)
            return false;
    }
    return count > 0;
}

static enum rc parse_unicode(struct span given, struct name *name)
{
    UChar wide[GIVEN_BYTES_MAX], folded[NAME_BYTES_MAX];
    char skeleton[SKELETON_BYTES_MAX];
    int32_t wide_len, folded_len, text_len, skeleton_len;
    UErrorCode error = U_ZERO_ERROR;

    pthread_once(&icu.once, icu_open);
    if (icu.fold == NULL || given.len > GIVEN_BYTES_MAX)
        return RC_BAD_NAME;

    u_strFromUTF8(wide, GIVEN_BYTES_MAX, &wide_len, given.ptr, (int32_t)given.len, &error);
    folded_len = unorm2_normalize(icu.fold, wide, wide_len, folded, NAME_BYTES_MAX, &error);
    if (U_FAILURE(error) || !has_name_chars(folded, folded_len))
        return RC_BAD_NAME;
    u_strToUTF8(name->text, sizeof name->text, &text_len, folded, folded_len, &error);
    if (U_FAILURE(error) || text_len > NAME_BYTES_MAX)
        return RC_BAD_NAME;
    name->text[text_len] = '\0';
    name->text_len = (unsigned char)text_len;

    if (uspoof_checkUTF8(icu.spoof, name->text, text_len, NULL, &error) != 0)
        return RC_BAD_NAME;
    skeleton_len = uspoof_getSkeletonUTF8(icu.spoof, 0, name->text, text_len, skeleton,
                                          SKELETON_BYTES_MAX, &error);
    if (U_FAILURE(error))
        return RC_BAD_NAME;
    set_skeleton(name, (struct span){skeleton, (size_t)skeleton_len});
    return RC_OK;
}

enum rc name_fold(struct span given, char *buf, size_t capacity)
{
    UChar wide[GIVEN_BYTES_MAX], folded[GIVEN_BYTES_MAX];
    int32_t wide_len = 0, folded_len, len = 0;
    UErrorCode error = U_ZERO_ERROR;

    pthread_once(&icu.once, icu_open);
    if (given.len > GIVEN_BYTES_MAX || capacity == 0)
        return RC_NO_SPACE;
    if (is_ascii(given)) {
        if (given.len >= capacity)
            return RC_NO_SPACE;
        for (size_t i = 0; i < given.len; i++)
            buf[i] = (char)(given.ptr[i] >= 'A' && given.ptr[i] <= 'Z' ? given.ptr[i] + 32
                                                                       : given.ptr[i]);
        buf[given.len] = '\0';
        return RC_OK;
    }
    if (icu.fold == NULL)
        return RC_BAD_NAME;
    u_strFromUTF8(wide, GIVEN_BYTES_MAX, &wide_len, given.ptr, (int32_t)given.len, &error);
    if (U_FAILURE(error))
        return RC_BAD_NAME;
    folded_len = unorm2_normalize(icu.fold, wide, wide_len, folded, GIVEN_BYTES_MAX, &error);
    u_strToUTF8(buf, (int32_t)capacity - 1, &len, folded, folded_len, &error);
    if (U_FAILURE(error))
        return RC_NO_SPACE;
    buf[len] = '\0';
    return RC_OK;
}

enum rc name_parse(struct span given, struct name *ret)
{
    struct name name = {0};
    enum rc rc = is_ascii(given) ? parse_ascii(given, &name) : parse_unicode(given, &name);

    if (rc == RC_OK)
        *ret = name;
    return rc;
}

enum rc stream_name_parse(struct span given, struct stream_name *ret)
{
    struct stream_name stream = {0};
    enum rc rc;

    if (given.len == 0 || (given.ptr[0] != '#' && given.ptr[0] != '@'))
        return RC_BAD_NAME;
    rc = name_parse((struct span){given.ptr + 1, given.len - 1}, &stream.name);
    if (rc != RC_OK)
        return rc;
    stream.sigil = given.ptr[0];
    stream.text[0] = stream.sigil;
    memcpy(stream.text + 1, stream.name.text, stream.name.text_len);
    stream.text_len = (unsigned char)(stream.name.text_len + 1);
    *ret = stream;
    return RC_OK;
}
