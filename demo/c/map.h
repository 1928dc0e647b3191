/*
 * Numbers by key, where a key is any bytes.
 */
#ifndef MAP_H
#define MAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct map_slot {
    /* NULL in a slot that is free. */
    char *key;
    size_t length;
    size_t value;
} map_slot;

/* Begin with one that is all zeros. */
typedef struct map {
    map_slot *slots;
    /* A power of two, or 0. */
    size_t capacity;
    size_t count;
} map;

/* The value of a key; NULL if it has none. Valid until the next key is added. */
size_t *map_find(const map *in, const void *key, size_t length);

/* The value of a key, which gets `value` if it has none. *added says whether it had none; it may be NULL. */
size_t *map_add(map *in, const void *key, size_t length, size_t value, bool *added);

/* Frees the keys, and makes the map empty. */
void map_free(map *in);

#endif
