#include "map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"

/* FNV-1a. */
static uint64_t hash_of(const void *key, size_t length) {
    const unsigned char *bytes = key;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t index = 0; index < length; index++) {
        hash = (hash ^ bytes[index]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* The slot of a key, or the free one where it would go. The map has free slots. */
static map_slot *slot_of(const map *in, const void *key, size_t length) {
    size_t at = (size_t)hash_of(key, length) & (in->capacity - 1);
    while (in->slots[at].key != NULL) {
        map_slot *slot = &in->slots[at];
        if (slot->length == length && (length == 0 || memcmp(slot->key, key, length) == 0)) {
            return slot;
        }
        at = (at + 1) & (in->capacity - 1);
    }
    return &in->slots[at];
}

/* Keeps a quarter of the slots free, so that a search ends soon. */
static void make_room(map *in) {
    if (in->count + 1 <= in->capacity - in->capacity / 4) {
        return;
    }
    map grown = {NULL, in->capacity == 0 ? 16 : in->capacity * 2, in->count};
    grown.slots = must(calloc(grown.capacity, sizeof *grown.slots));
    for (size_t index = 0; index < in->capacity; index++) {
        const map_slot *slot = &in->slots[index];
        if (slot->key != NULL) {
            *slot_of(&grown, slot->key, slot->length) = *slot;
        }
    }
    free(in->slots);
    *in = grown;
}

size_t *map_find(const map *in, const void *key, size_t length) {
    if (in->capacity == 0) {
        return NULL;
    }
    map_slot *slot = slot_of(in, key, length);
    return slot->key != NULL ? &slot->value : NULL;
}

size_t *map_add(map *in, const void *key, size_t length, size_t value, bool *added) {
    make_room(in);
    map_slot *slot = slot_of(in, key, length);
    bool absent = slot->key == NULL;
    if (absent) {
        slot->key = must(malloc(length + 1));
        if (length > 0) {
            memcpy(slot->key, key, length);
        }
        slot->length = length;
        slot->value = value;
        in->count++;
    }
    if (added != NULL) {
        *added = absent;
    }
    return &slot->value;
}

void map_free(map *in) {
    for (size_t index = 0; index < in->capacity; index++) {
        free(in->slots[index].key);
    }
    free(in->slots);
    memset(in, 0, sizeof *in);
}
