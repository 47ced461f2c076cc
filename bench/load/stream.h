/* What viewers are told: a response in chunks, the Server-Sent Events in it, and the counts in those. */
#ifndef STREAM_H
#define STREAM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MOST_QUESTIONS = 64,
    MOST_COUNT = 1 << 16, /* votes for a question */
    ID = 36,
    FRAMING = 16,
};

enum phase { HEADERS, CHUNK_SIZE, CHUNK, CHUNK_END, GONE };
enum event { OTHER, SNAPSHOT, QUESTION, VOTES };

struct viewer {
    char *held;    /* the beginning of a line of the stream whose end has not come */
    uint64_t left; /* of a chunk */
    uint32_t held_length, held_room;
    uint32_t frames, writes; /* events `votes`; chunks that are no heartbeat */
    uint32_t frames_before, writes_before, frames_within, writes_within;
    int fd;
    char framing[FRAMING]; /* the beginning of a line of HTTP's */
    uint8_t framing_length, phase, event;
    bool is_ready, is_comment, is_beaten;
};

extern struct viewer *viewers;
extern uint32_t waiting, ready, here, lost; /* without a snapshot, with one, together; and who has gone */
extern bool is_beating;
extern uint32_t beaten; /* had a heartbeat since is_beating */

extern char (*ids)[ID + 1];
extern uint32_t questions;
extern uint32_t *counts;     /* of each viewer, of each question: the highest that it was told */
extern uint32_t *reached;    /* of each question, of each count: how many viewers were told that or more */
extern uint64_t *reached_at; /* and when the last of them was */

extern uint64_t now, told_at;

/* Prints a line, and ends the process. */
void fail(const char *format, ...);

/* Zeroed. */
void *room_for(size_t number, size_t size);

bool begins(const char *line, size_t length, const char *with);

/* Octets that came for a viewer, now. */
void take(struct viewer *viewer, const char *octets, size_t length);

/* The viewer is hung up on, or hung up. */
void leave(struct viewer *viewer);

#endif
