#define _POSIX_C_SOURCE 200809L

#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct lines {
    char *path;
    FILE *file;
    /* gzip, and what it complains about; 0 and -1 for a file that is read as it is, and once gzip has ended. */
    pid_t gzip;
    int complaints;
    char *line;
    size_t capacity;
    bool ended;
};

/* In the child: becomes gzip. If that cannot be, its errno goes to the parent instead. */
static void become_gzip(int input, int output, int complaints, int trouble) {
    char *arguments[] = {"gzip", "-dc", NULL};
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(complaints, STDERR_FILENO) >= 0) {
        execvp(arguments[0], arguments);
    }
    int number = errno;
    ssize_t written = write(trouble, &number, sizeof number);
    _exit(written == (ssize_t)sizeof number ? 127 : 126);
}

static void close_both(int ends[2]) {
    close(ends[0]);
    close(ends[1]);
}

/* A pipe above the three standard descriptors, none of which a child would then lose, closed by exec. */
static bool open_pipe(int ends[2]) {
    int made[2];
    if (pipe(made) != 0) {
        return false;
    }
    ends[0] = fcntl(made[0], F_DUPFD_CLOEXEC, 3);
    ends[1] = fcntl(made[1], F_DUPFD_CLOEXEC, 3);
    close_both(made);
    if (ends[0] >= 0 && ends[1] >= 0) {
        return true;
    }
    int number = errno;
    close_both(ends);
    errno = number;
    return false;
}

/* Starts gzip on the file `input`; the lines come from what it unpacks. */
static bool start_gzip(lines *from, int input, failure *why) {
    int output[2], complaints[2], trouble[2], number = 0;
    if (!open_pipe(output)) {
        return fail_errno(why, from->path, errno);
    }
    if (!open_pipe(complaints)) {
        number = errno;
        close_both(output);
        return fail_errno(why, from->path, number);
    }
    if (!open_pipe(trouble)) {
        number = errno;
        close_both(output);
        close_both(complaints);
        return fail_errno(why, from->path, number);
    }
    pid_t child = fork();
    if (child == 0) {
        become_gzip(input, output[1], complaints[1], trouble[1]);
    }
    number = child < 0 ? errno : 0;
    close(output[1]);
    close(complaints[1]);
    close(trouble[1]);
    /* The pipe closes without a word once gzip runs. */
    int reason;
    if (child > 0 && read(trouble[0], &reason, sizeof reason) == (ssize_t)sizeof reason) {
        number = reason;
        waitpid(child, NULL, 0);
    }
    close(trouble[0]);
    if (number == 0) {
        from->file = fdopen(output[0], "r");
        from->gzip = child;
        from->complaints = complaints[0];
        return from->file != NULL || fail_errno(why, from->path, errno);
    }
    close(output[0]);
    close(complaints[0]);
    char message[128];
    snprintf(message, sizeof message, "cannot run gzip, which unpacks it: %s", strerror(number));
    return fail_io(why, from->path, message);
}

lines *lines_open(const char *path, failure *why) {
    lines *from = must(calloc(1, sizeof *from));
    from->path = must(strdup(path));
    from->complaints = -1;
    size_t length = strlen(path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool opened = file >= 0 || fail_errno(why, path, errno);
    if (opened && length > 3 && strcmp(path + length - 3, ".gz") == 0) {
        opened = start_gzip(from, file, why);
        close(file);
    } else if (opened) {
        from->file = fdopen(file, "r");
        opened = from->file != NULL || fail_errno(why, path, errno);
    }
    if (opened) {
        return from;
    }
    lines_close(from);
    return NULL;
}

/* Waits for gzip, all of whose output has been read, and says what it died of. */
static bool finish_gzip(lines *from, failure *why) {
    if (from->gzip == 0) {
        return true;
    }
    char said[512];
    size_t length = 0;
    ssize_t count;
    while (length < sizeof said - 1 && (count = read(from->complaints, said + length, sizeof said - 1 - length)) > 0) {
        length += (size_t)count;
    }
    said[length] = '\0';
    int status = 0;
    waitpid(from->gzip, &status, 0);
    from->gzip = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    /* "gzip: stdin: unexpected end of file": what counts is the end of its first line that says something. */
    char *first = said + strspn(said, "\n");
    first[strcspn(first, "\n")] = '\0';
    char *colon = strrchr(first, ':');
    char message[600];
    snprintf(message, sizeof message, "gzip cannot unpack it: %s",
             colon != NULL ? colon + 1 + strspn(colon + 1, " ") : "it ended early");
    return fail_io(why, from->path, message);
}

bool lines_next(lines *from, const char **line, size_t *length, failure *why) {
    if (from->ended) {
        *line = NULL;
        return true;
    }
    errno = 0;
    ssize_t read = getline(&from->line, &from->capacity, from->file);
    bool whole = read > 0 && from->line[read - 1] == '\n';
    if (!whole) {
        from->ended = true;
        if (ferror(from->file)) {
            return fail_errno(why, from->path, errno);
        }
        if (!finish_gzip(from, why)) {
            return false;
        }
    }
    if (read < 0) {
        *line = NULL;
        return true;
    }
    *line = from->line;
    *length = (size_t)read - (whole ? 1 : 0);
    return true;
}

void lines_close(lines *from) {
    if (from == NULL) {
        return;
    }
    /* gzip ends by itself when nobody reads what it writes. */
    if (from->file != NULL) {
        fclose(from->file);
    }
    if (from->complaints >= 0) {
        close(from->complaints);
    }
    if (from->gzip != 0) {
        waitpid(from->gzip, NULL, 0);
    }
    free(from->line);
    free(from->path);
    free(from);
}
