/* words.c - a key's fingerprint in words: they are easier to read out and to compare by ear than digits. */
#include "shared/text/url.h"

#include <sodium.h>
#include <stdio.h>

#define WORDS_OF_A_KEY 12

/* One for each value of a byte. Common, short, and no two that sound alike; once people have compared them the list
 * cannot change any more. */
/* clang-format off */
static const char *const words[256] = {
    "acorn", "airport", "alarm", "almond", "amber", "anchor", "ankle", "apple",
    "arrow", "asphalt", "atlas", "autumn", "badger", "bagpipe", "bakery", "balcony",
    "bamboo", "banana", "barrel", "basket", "bathtub", "beetle", "blossom", "branch",
    "bridge", "broccoli", "bronze", "buffalo", "bulldog", "button", "cabbage", "cactus",
    "camera", "campfire", "canyon", "carpet", "castle", "catfish", "chapel", "cheese",
    "cherry", "chimney", "cinnamon", "circus", "clarinet", "clover", "coconut", "coffee",
    "comet", "compass", "coral", "cousin", "coyote", "cricket", "crystal", "cupboard",
    "curtain", "daisy", "dancer", "dentist", "diamond", "dolphin", "dragon", "drum",
    "eagle", "echo", "eclipse", "elbow", "eleven", "emerald", "engine", "envelope",
    "eyebrow", "fabric", "falcon", "feather", "festival", "fiddle", "finger", "firefly",
    "flamingo", "flute", "football", "forest", "fossil", "friday", "galaxy", "garlic",
    "giraffe", "glacier", "goblet", "goldfish", "gorilla", "granite", "grape", "gravity",
    "guitar", "hamster", "harbor", "helmet", "highway", "hockey", "hospital", "hotel",
    "husband", "iceberg", "icicle", "igloo", "indigo", "insect", "island", "ivory",
    "jacket", "jaguar", "jasmine", "jelly", "jigsaw", "journal", "jungle", "kangaroo",
    "keyhole", "kitchen", "kiwi", "knuckle", "ladder", "ladybug", "lagoon", "lantern",
    "laundry", "lavender", "lemon", "leopard", "lettuce", "library", "lipstick", "lizard",
    "lobster", "lunch", "machine", "magazine", "magnet", "mango", "meadow", "medicine",
    "melody", "mermaid", "mirror", "mitten", "monkey", "morning", "mosaic", "mountain",
    "museum", "mushroom", "mustard", "napkin", "nephew", "nickel", "noodle", "nostril",
    "notebook", "nutmeg", "oasis", "ocean", "october", "olive", "onion", "opera",
    "orange", "orchid", "origami", "oxygen", "pajama", "palace", "panda", "parsley",
    "peanut", "pebble", "pelican", "pencil", "penguin", "pharmacy", "piano", "picnic",
    "pigeon", "pillow", "planet", "plastic", "platypus", "postcard", "prairie", "pumpkin",
    "puzzle", "pyramid", "queen", "rabbit", "radio", "rainbow", "rhubarb", "ribbon",
    "river", "salad", "sandwich", "saturn", "school", "scissors", "shadow", "shampoo",
    "shelter", "shoulder", "skeleton", "snowman", "sofa", "spider", "spinach", "spoon",
    "squirrel", "stomach", "sugar", "suitcase", "summer", "sunrise", "syrup", "teapot",
    "temple", "thimble", "thunder", "tiger", "toaster", "tomato", "tornado", "tractor",
    "triangle", "trumpet", "tulip", "turtle", "umbrella", "upstairs", "vacuum", "vanilla",
    "velvet", "village", "vinegar", "violin", "vitamin", "volcano", "waffle", "walnut",
    "wardrobe", "weekend", "whistle", "window", "yogurt", "zebra", "zigzag", "zipper",
};
/* clang-format on */

_Static_assert(WORDS_OF_A_KEY * 9 <= KEY_WORDS_BYTES, "words have at most 8 letters");

void key_words(const unsigned char key[static PUBLIC_KEY_BYTES], char buf[static KEY_WORDS_BYTES])
{
    unsigned char hash[crypto_generichash_BYTES];
    size_t len = 0;

    crypto_generichash(hash, sizeof hash, key, PUBLIC_KEY_BYTES, NULL, 0);
    for (size_t i = 0; i < WORDS_OF_A_KEY; i++)
        len += (size_t)snprintf(buf + len, KEY_WORDS_BYTES - len, "%s%s", i == 0 ? "" : " ",
                                words[hash[i]]);
}
