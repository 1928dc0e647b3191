/*
 * Two replicas that exchange what they have, for the tests about them.
 */
#ifndef REPLICAS_H
#define REPLICAS_H

#include "support.h"

/* The table that all rows are in, and one of its rows. */
#define TABLE causelog_text_from("t")
#define ROW(number) causelog_row_id_from_integer(number)

/* Replicas in memory of nodes 1 and 2 with one clock, which a change moves on. */
typedef struct pair {
    causelog_time *time;
    causelog_replica *a, *b;
} pair;

/* A registry that resolves everything by this strategy. */
causelog_registry *registry_of(const char *strategy);

/* A replica of this node with these rules, functions and time, each NULL for the default, in a directory (NULL for memory). */
causelog_replica *replica_of(unsigned char node, const char *path, const char *strategy, const causelog_resolver *resolver,
                             const causelog_time *time);

/* A pair that resolves everything by this strategy (NULL for the default), and has this function (NULL for none). */
pair pair_of(const char *strategy, const causelog_resolver *resolver);
void free_pair(pair *both);

/* Exchanges what the two lack. */
void exchange(const pair *both);

/* Writes row `row` of TABLE and moves the time on. */
void insert_row(const pair *both, const causelog_replica *replica, int64_t row, const char *after);
void update_row(const pair *both, const causelog_replica *replica, int64_t row, const char *after);
void delete_row(const pair *both, const causelog_replica *replica, int64_t row);

/*
 * Row 1 is there as `base` on both (NULL: it is not there); then each writes it without having heard of the other, first a
 * then b (NULL deletes it), and they exchange.
 */
void contest(const pair *both, const char *base, const char *of_a, const char *of_b);

/* Row `row` of TABLE is this (NULL: not there), with this state if it is there. */
void check_row(const causelog_replica *replica, int64_t row, const char *value, causelog_row_state state);

/* The dots of row 1's heads, freed by the caller. */
causelog_heads *heads_of(const causelog_replica *replica, int64_t row);

/* The one conflict that stands, in a list that the caller frees. */
const causelog_report *only_conflict(const causelog_replica *replica, causelog_reports **list);

#endif
