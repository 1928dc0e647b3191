/*
 * What several test programs need.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "check.h"

/* A path in a directory of its own, to be removed with remove_scratch; valid until the next call. */
const char *scratch_path(const char *name);

/* Removes what scratch_path has made. */
void remove_scratch(void);

/* The segment with the lowest name of a log's directory; valid until the next call. */
const char *first_segment(const char *directory);

/* Changes one bit of the byte at this offset of a file. */
void flip_byte(const char *file, long offset);

/* The UUID of which only the last byte is not zero. */
causelog_uuid node_of(unsigned char number);

causelog_dot dot_of(unsigned char node, uint64_t sequence);

bool same_uuid(causelog_uuid one, causelog_uuid other);

bool same_dot(causelog_dot one, causelog_dot other);

/* A change of row `row` of `table`, all texts NUL-terminated. */
causelog_change insert_of(const char *table, int64_t row, const char *after);
causelog_change update_of(const char *table, int64_t row, const char *before, const char *after);
causelog_change delete_of(const char *table, int64_t row, const char *before);

/* A log in memory of this node, whose time is `time` (NULL for the system's). */
causelog_log *memory_log(unsigned char node, const causelog_time *time);

/* Hands all that `from` has and `to` lacks to it; returns how many transactions that were. */
size_t pull(const causelog_log *to, const causelog_log *from);

/* The entry of a log with this LSN, owned by the caller. */
causelog_entry *entry_at(const causelog_log *log, uint64_t lsn);

/* What the author of an entry had seen; lives as long as the entry. */
const causelog_clock *clock_of(const causelog_entry *entry);

#endif
