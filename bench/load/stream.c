#include "stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TOLD = 512 }; /* counts in one event */

struct viewer *viewers;
uint32_t waiting, ready, here, lost, beaten;
bool is_beating;
char (*ids)[ID + 1];
uint32_t questions;
uint32_t *counts, *reached;
uint64_t *reached_at;
uint64_t now, told_at;

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void *room_for(size_t number, size_t size) {
    void *room = calloc(number ? number : 1, size);
    if (!room) fail("out of memory");
    return room;
}

bool begins(const char *line, size_t length, const char *with) {
    size_t size = strlen(with);
    return length >= size && !memcmp(line, with, size);
}

static int question_of(const char *id) {
    for (uint32_t question = 0; question < questions; question++)
        if (!memcmp(ids[question], id, ID)) return (int)question;
    return -1;
}

static void take_count(struct viewer *viewer, uint32_t question, uint32_t count) {
    uint32_t *last = &counts[(size_t)(viewer - viewers) * questions + question];
    if (count >= MOST_COUNT) fail("a question has more than %d votes", MOST_COUNT);
    while (*last < count) {
        size_t place = (size_t)question * MOST_COUNT + ++*last;
        reached[place]++;
        reached_at[place] = now;
    }
}

/* Counts are `"<id>":<number>`, or `"vote_count":<number>` behind `"id":"<id>"`. All viewers are told the same octets: what the
 * last ones said is remembered. */
static void take_data(struct viewer *viewer, const char *data, size_t length) {
    static char *known;
    static size_t known_length;
    static uint32_t found, of[MOST_TOLD], numbers[MOST_TOLD];
    if (!known || length != known_length || memcmp(known, data, length)) {
        free(known);
        known = room_for(length + 1, 1);
        memcpy(known, data, length);
        known_length = length;
        found = 0;
        int question = -1;
        const char *end = known + length;
        for (const char *at = known; found < MOST_TOLD && (at = strchr(at, '"')); at++) {
            const char *number = NULL;
            if (end - at > ID + 2 && at[ID + 1] == '"') {
                int named = question_of(at + 1);
                if (named >= 0) question = named;
                if (named >= 0 && at[ID + 2] == ':') number = at + ID + 3;
            } else if (begins(at, (size_t)(end - at), "\"vote_count\":")) {
                number = at + strlen("\"vote_count\":");
            }
            if (number && question >= 0) {
                of[found] = (uint32_t)question;
                numbers[found++] = (uint32_t)strtoul(number, NULL, 10);
            }
        }
    }
    for (uint32_t number = 0; number < found; number++) take_count(viewer, of[number], numbers[number]);
}

static void take_event(struct viewer *viewer) {
    if (viewer->event == SNAPSHOT && !viewer->is_ready) {
        viewer->is_ready = true;
        waiting--, ready++;
    }
    if (viewer->event == VOTES) {
        viewer->frames++;
        told_at = now;
    }
    viewer->event = OTHER;
}

static void take_line(struct viewer *viewer, const char *line, size_t length) {
    if (length && line[length - 1] == '\r') length--;
    if (!length) {
        take_event(viewer);
    } else if (line[0] == ':') {
        viewer->is_comment = true;
        if (is_beating && !viewer->is_beaten) beaten++, viewer->is_beaten = true;
    } else if (begins(line, length, "event: ")) {
        viewer->event = begins(line, length, "event: votes")      ? VOTES
                        : begins(line, length, "event: snapshot") ? SNAPSHOT
                        : begins(line, length, "event: question") ? QUESTION
                                                                  : OTHER;
    } else if (viewer->event != OTHER && begins(line, length, "data: ")) {
        take_data(viewer, line, length);
    }
}

static void hold(struct viewer *viewer, const char *octets, size_t length) {
    if (viewer->held_length + length > viewer->held_room) {
        viewer->held_room = 2 * (viewer->held_length + (uint32_t)length);
        viewer->held = realloc(viewer->held, viewer->held_room);
        if (!viewer->held) fail("out of memory");
    }
    memcpy(viewer->held + viewer->held_length, octets, length);
    viewer->held_length += (uint32_t)length;
}

static void take_text(struct viewer *viewer, const char *text, size_t length) {
    const char *end = text + length, *feed;
    for (; (feed = memchr(text, '\n', (size_t)(end - text))); text = feed + 1) {
        if (!viewer->held_length) {
            take_line(viewer, text, (size_t)(feed - text));
            continue;
        }
        hold(viewer, text, (size_t)(feed - text));
        take_line(viewer, viewer->held, viewer->held_length);
        free(viewer->held);
        viewer->held = NULL;
        viewer->held_length = viewer->held_room = 0;
    }
    if (text < end) hold(viewer, text, (size_t)(end - text));
}

/* HTTP: headers, then chunks (RFC 9112, section 7.1). Of a line of its own 16 octets say all. */

void leave(struct viewer *viewer) {
    if (viewer->is_ready) ready--;
    else waiting--;
    here--, lost++;
    viewer->phase = GONE;
    close(viewer->fd);
}

static void take_framing(struct viewer *viewer) {
    const char *line = viewer->framing;
    size_t length = viewer->framing_length;
    viewer->framing_length = 0;
    if (viewer->phase == HEADERS) {
        if (length && line[0] == '\r') viewer->phase = CHUNK_SIZE;
        else if (begins(line, length, "HTTP/1.1 ") && !begins(line, length, "HTTP/1.1 200")) leave(viewer);
    } else if (viewer->phase == CHUNK_SIZE) {
        char digits[FRAMING + 1] = {0};
        memcpy(digits, line, length);
        viewer->left = strtoull(digits, NULL, 16);
        viewer->phase = CHUNK;
        if (!viewer->left) leave(viewer);
    } else {
        if (!viewer->is_comment) viewer->writes++;
        viewer->is_comment = false;
        viewer->phase = CHUNK_SIZE;
    }
}

void take(struct viewer *viewer, const char *octets, size_t length) {
    while (length && viewer->phase != GONE) {
        size_t used;
        if (viewer->phase == CHUNK) {
            used = length < viewer->left ? length : (size_t)viewer->left;
            take_text(viewer, octets, used);
            viewer->left -= used;
            if (!viewer->left) viewer->phase = CHUNK_END;
        } else {
            const char *feed = memchr(octets, '\n', length);
            used = feed ? (size_t)(feed - octets) + 1 : length;
            size_t room = (size_t)(FRAMING - viewer->framing_length), kept = used - (feed ? 1 : 0);
            if (kept > room) kept = room;
            memcpy(viewer->framing + viewer->framing_length, octets, kept);
            viewer->framing_length += (uint8_t)kept;
            if (feed) take_framing(viewer);
        }
        octets += used, length -= used;
    }
}
