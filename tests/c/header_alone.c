/* Compiled as C11 and as C++17 with every warning an error: the header needs nothing before it, may be included
 * twice, and its macros initialise without a warning in either language. */
#include "causelog.h"
#include "causelog.h"

int main(void) {
    const causelog_log_options log_options = CAUSELOG_LOG_OPTIONS_INIT;
    const causelog_query_options query_options = CAUSELOG_QUERY_OPTIONS_INIT;
    const causelog_retention_policy policy = CAUSELOG_RETENTION_POLICY_INIT;
    const causelog_compaction_options compaction_options = CAUSELOG_COMPACTION_OPTIONS_INIT;
    const causelog_change change = CAUSELOG_CHANGE_INIT;
    const causelog_entry_fields fields = CAUSELOG_ENTRY_FIELDS_INIT;
    const causelog_write write = CAUSELOG_WRITE_INIT;
    const causelog_replica_options replica_options = CAUSELOG_REPLICA_OPTIONS_INIT;
    const causelog_conflict_query conflict_query = CAUSELOG_CONFLICT_QUERY_INIT;
    /* The arrays that text is written to have the size that the macros say. */
    char uuid[CAUSELOG_UUID_TEXT_SIZE], dot[CAUSELOG_DOT_TEXT_SIZE], timestamp[CAUSELOG_TIMESTAMP_TEXT_SIZE];
    causelog_status status = causelog_uuid_format(fields.dot.node, &uuid, NULL);
    status = status == CAUSELOG_OK ? causelog_dot_format(fields.dot, &dot, NULL) : status;
    status = status == CAUSELOG_OK ? causelog_timestamp_format(0, &timestamp, NULL) : status;
    size_t sizes = log_options.size + query_options.size + policy.size + compaction_options.size + change.size;
    sizes += write.size + replica_options.size + conflict_query.size;
    return status == CAUSELOG_OK && sizes > 0 ? 0 : 1;
}
