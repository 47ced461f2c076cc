/* Viewers of one live session, and those who vote in it: one process, one thread, epoll.
 *
 *     viewers PORT SESSION QUESTIONS TOKENS VIEWERS UNDER_WAY
 *
 * QUESTIONS and TOKENS are files, an id or a token a line. The first VIEWERS tokens watch; at most UNDER_WAY of them wait for
 * their snapshot at the same time. Every vote is the next person's in TOKENS, for the next question in turn.
 *
 * It says `READY viewers seconds` once everybody has a snapshot or is gone. Then it takes commands, a line each:
 *
 *     beat SECONDS                   for so long, or until each viewer had a heartbeat: `BEAT viewers seconds`
 *     vote VOTES PER_SECOND LINES    over so many connections: `VOTED {...}` once all viewers have seen all votes, or have been
 *                                    told nothing for PATIENCE
 *
 * and ends with its standard input. What would make its numbers worthless ends it at once, with a line that says what.
 *
 * A vote is seen by a viewer who is told a count of its question that is not below the one it was answered with. Its latency is
 * from the answer to the last viewer who sees it; 0 where all have before. */
#define _GNU_SOURCE
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_LINES = 256,
    AT_ONCE = 256, /* events of epoll */
    HEAD = 2048,
    ANSWER = 4096,
    VOTER = 1 << 29, /* what an event of epoll is about: a viewer by its number, a voter by its own and this, or */
    STDIN = 1 << 30,
};
#define SECOND 1000000000ull
#define PATIENCE (20 * SECOND)
#define COME_IN (180 * SECOND)

struct voter {
    int fd;
    bool is_busy;
    uint32_t vote, length;
    char answer[ANSWER + 1];
};

struct vote {
    uint64_t due, answered;
    uint32_t question, count;
};

static uint16_t port;
static const char *session;
static FILE *tokens;
static uint32_t wanted, begun;
static struct voter voters[MOST_LINES];
static struct vote *votes;
static uint32_t votes_sent, votes_answered;
static uint64_t answered_at;
static int poller;

static uint64_t clock_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static double processor_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / SECOND;
}

/* Connections */

static int connected(uint32_t which) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = which}};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) fail("cannot connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) fail("cannot wait for a connection: %s", strerror(errno));
    return fd;
}

static void ask(int fd, const char *method, const char *path, const char *header) {
    static char *token;
    static size_t room;
    char head[HEAD];
    ssize_t length = getline(&token, &room, tokens);
    if (length <= 0) fail("the tokens ran out");
    if (token[length - 1] == '\n') token[length - 1] = 0;
    const char *form = "%s /v1/sessions/%s%s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n";
    int size = snprintf(head, sizeof head, form, method, session, path, token, header);
    if (size >= HEAD) fail("a token is too long");
    if (send(fd, head, (size_t)size, MSG_NOSIGNAL) != size) fail("cannot send: %s", strerror(errno));
}

static void read_viewer(struct viewer *viewer) {
    static char octets[1 << 16];
    if (viewer->phase == GONE) return;
    ssize_t length = recv(viewer->fd, octets, sizeof octets, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    now = clock_now();
    if (length > 0) take(viewer, octets, (size_t)length);
    else leave(viewer);
}

static void read_voter(struct voter *voter) {
    ssize_t length = recv(voter->fd, voter->answer + voter->length, ANSWER - voter->length, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0 && !voter->is_busy) { /* it was idle for long */
        close(voter->fd);
        voter->fd = connected(VOTER | (uint32_t)(voter - voters));
        return;
    }
    if (length <= 0) fail("a voter was hung up on, or was answered more than %d octets", ANSWER);
    uint64_t at = clock_now();
    voter->length += (uint32_t)length;
    voter->answer[voter->length] = 0;
    const char *body = strstr(voter->answer, "\r\n\r\n"), *said = strcasestr(voter->answer, "\r\ncontent-length:");
    if (!body || !said || strlen(body + 4) < strtoul(said + strlen("\r\ncontent-length:"), NULL, 10)) return;
    const char *count = strstr(body, "\"vote_count\":");
    if (!begins(voter->answer, voter->length, "HTTP/1.1 200") || !count) fail("a vote was answered %s", voter->answer);
    votes[voter->vote].answered = answered_at = at;
    votes[voter->vote].count = (uint32_t)strtoul(count + strlen("\"vote_count\":"), NULL, 10);
    voter->is_busy = false;
    votes_answered++;
}

static char command[256];
static size_t command_length;

static void read_command(void) {
    ssize_t length = read(STDIN_FILENO, command + command_length, sizeof command - 1 - command_length);
    if (length <= 0) exit(0);
    command_length += (size_t)length;
    command[command_length] = 0;
}

static void turn(int milliseconds) {
    struct epoll_event events[AT_ONCE];
    int number = epoll_wait(poller, events, AT_ONCE, milliseconds);
    for (int at = 0; at < number; at++) {
        uint32_t which = events[at].data.u32;
        if (which == STDIN) read_command();
        else if (which & VOTER) read_voter(&voters[which ^ VOTER]);
        else read_viewer(&viewers[which]);
    }
}

/* What it is told to do */

static void come_in(uint32_t under_way) {
    uint64_t start = clock_now();
    while (ready + lost < wanted && clock_now() - start < COME_IN) {
        for (; begun < wanted && waiting < under_way; begun++, waiting++, here++) {
            viewers[begun].fd = connected(begun);
            ask(viewers[begun].fd, "GET", "/stream", "Accept: text/event-stream");
        }
        turn(100);
    }
    printf("READY %u %.3f\n", ready, (double)(clock_now() - start) / SECOND);
}

static void await_beats(double seconds) {
    uint64_t start = clock_now();
    for (uint32_t number = 0; number < wanted; number++) viewers[number].is_beaten = false;
    beaten = 0;
    is_beating = true;
    while (beaten < here && (double)(clock_now() - start) < seconds * SECOND) turn(100);
    is_beating = false;
    uint32_t there = 0;
    for (uint32_t number = 0; number < wanted; number++) there += viewers[number].is_beaten && viewers[number].phase != GONE;
    printf("BEAT %u %.3f\n", there, (double)(clock_now() - start) / SECOND);
}

static int by_number(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static double at_share(const double *sorted, uint32_t number, double share) {
    uint32_t at = (uint32_t)(share * number);
    return number ? sorted[at < number ? at : number - 1] : 0;
}

static bool all_seen(const uint32_t *highest) {
    for (uint32_t question = 0; question < questions; question++)
        if (highest[question] && reached[(size_t)question * MOST_COUNT + highest[question]] < here) return false;
    return true;
}

static void drive(uint32_t wanted_votes, double per_second, uint32_t lines) {
    uint64_t start = clock_now(), end = start + (uint64_t)(wanted_votes / per_second * SECOND);
    bool is_counted = false;
    uint32_t next = 0;
    for (uint32_t number = 0; number < wanted_votes; number++) {
        votes[number].due = start + (uint64_t)(number / per_second * SECOND);
        votes[number].question = number % questions;
    }
    votes_sent = votes_answered = 0;
    answered_at = start;
    while (votes_answered < wanted_votes || !is_counted) {
        now = clock_now();
        if (now - answered_at > PATIENCE && votes_answered < votes_sent) fail("a vote was not answered");
        for (uint32_t tried = 0; tried < lines && votes_sent < wanted_votes && votes[votes_sent].due <= now; tried++) {
            struct voter *voter = &voters[next++ % lines];
            if (voter->is_busy) continue;
            char path[ID + 32];
            snprintf(path, sizeof path, "/questions/%s/vote", ids[votes[votes_sent].question]);
            ask(voter->fd, "PUT", path, "Content-Length: 0");
            voter->vote = votes_sent++;
            voter->length = 0;
            voter->is_busy = true;
        }
        if (!is_counted && now >= end) {
            is_counted = true;
            for (struct viewer *viewer = viewers; viewer < viewers + wanted; viewer++) {
                viewer->frames_within = viewer->frames - viewer->frames_before;
                viewer->writes_within = viewer->writes - viewer->writes_before;
            }
        }
        turn(1);
    }
}

static void report(uint32_t wanted_votes, double asked_seconds, double seconds, double processor) {
    double *latencies = room_for(wanted_votes, sizeof *latencies), *answers = room_for(wanted_votes, sizeof *answers);
    double *rates = room_for(wanted, sizeof *rates), *writes = room_for(wanted, sizeof *writes);
    uint32_t unseen = 0, number = 0;
    uint64_t frames = 0;
    for (uint32_t vote = 0; vote < wanted_votes; vote++) {
        size_t place = (size_t)votes[vote].question * MOST_COUNT + votes[vote].count;
        uint64_t seen = reached_at[place], answered = votes[vote].answered;
        unseen += reached[place] < here;
        latencies[vote] = seen > answered ? (double)(seen - answered) / 1e6 : 0;
        answers[vote] = (double)(answered - votes[vote].due) / 1e6;
    }
    for (struct viewer *viewer = viewers; viewer < viewers + wanted; viewer++) {
        frames += viewer->frames - viewer->frames_before;
        if (viewer->phase == GONE) continue;
        rates[number] = viewer->frames_within / asked_seconds;
        writes[number++] = viewer->writes_within / asked_seconds;
    }
    qsort(latencies, wanted_votes, sizeof *latencies, by_number);
    qsort(answers, wanted_votes, sizeof *answers, by_number);
    qsort(rates, number, sizeof *rates, by_number);
    qsort(writes, number, sizeof *writes, by_number);
    printf("VOTED {\"votes\":%u,\"seconds\":%.3f,\"viewers\":%u,", votes_answered, seconds, ready);
    printf("\"lost\":%u,\"unseen\":%u,", lost, unseen);
    printf("\"p50\":%.3f,\"p99\":%.3f,\"longest\":%.3f,", at_share(latencies, wanted_votes, 0.5),
           at_share(latencies, wanted_votes, 0.99), at_share(latencies, wanted_votes, 1));
    printf("\"answer_p50\":%.3f,\"answer_p99\":%.3f,\"frames\":%llu,", at_share(answers, wanted_votes, 0.5),
           at_share(answers, wanted_votes, 0.99), (unsigned long long)frames);
    printf("\"least\":%.3f,\"median\":%.3f,\"most\":%.3f,\"most_writes\":%.3f,", at_share(rates, number, 0),
           at_share(rates, number, 0.5), at_share(rates, number, 1), at_share(writes, number, 1));
    printf("\"client_core\":%.3f}\n", processor / seconds);
    free(latencies), free(answers), free(rates), free(writes);
}

static void vote(uint32_t wanted_votes, double per_second, uint32_t lines) {
    if (lines > MOST_LINES) fail("more than %d connections to vote over", MOST_LINES);
    votes = room_for(wanted_votes, sizeof *votes);
    for (uint32_t line = 0; line < lines; line++) voters[line] = (struct voter){.fd = connected(VOTER | line)};
    for (struct viewer *viewer = viewers; viewer < viewers + wanted; viewer++) {
        viewer->frames_before = viewer->frames;
        viewer->writes_before = viewer->writes;
    }
    double processor = processor_seconds();
    uint64_t start = clock_now();
    drive(wanted_votes, per_second, lines);
    uint32_t highest[MOST_QUESTIONS] = {0};
    for (uint32_t number = 0; number < wanted_votes; number++) {
        uint32_t *of = &highest[votes[number].question];
        if (votes[number].count > *of) *of = votes[number].count;
    }
    double seconds = (double)(clock_now() - start) / SECOND;
    told_at = clock_now();
    while (!all_seen(highest) && clock_now() - told_at < PATIENCE) turn(10);
    processor = processor_seconds() - processor;
    report(wanted_votes, wanted_votes / per_second, seconds, processor);
    for (uint32_t line = 0; line < lines; line++) close(voters[line].fd);
    free(votes);
}

static void obey(void) {
    uint32_t number, lines;
    double rate;
    char *feed = strchr(command, '\n');
    *feed = 0;
    if (sscanf(command, "beat %lf", &rate) == 1) await_beats(rate);
    else if (sscanf(command, "vote %u %lf %u", &number, &rate, &lines) == 3 && rate > 0) vote(number, rate, lines);
    else fail("this is no command: %s", command);
    command_length -= (size_t)(feed + 1 - command);
    memmove(command, feed + 1, command_length + 1);
}

static void read_questions(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) fail("cannot read %s", path);
    ids = room_for(MOST_QUESTIONS, sizeof *ids);
    while (questions < MOST_QUESTIONS && fscanf(file, "%36s", ids[questions]) == 1) questions++;
    fclose(file);
    if (!questions) fail("there is no question in %s", path);
}

int main(int number, char **arguments) {
    if (number != 7) fail("usage: viewers PORT SESSION QUESTIONS TOKENS VIEWERS UNDER_WAY");
    port = (uint16_t)atoi(arguments[1]);
    session = arguments[2];
    read_questions(arguments[3]);
    tokens = fopen(arguments[4], "r");
    if (!tokens) fail("cannot read %s", arguments[4]);
    wanted = (uint32_t)atoi(arguments[5]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < wanted + MOST_LINES + 16) fail("%u connections need more open files (ulimit -Hn)", wanted);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    viewers = room_for(wanted, sizeof *viewers);
    counts = room_for((size_t)wanted * questions, sizeof *counts);
    reached = room_for((size_t)questions * MOST_COUNT, sizeof *reached);
    reached_at = room_for((size_t)questions * MOST_COUNT, sizeof *reached_at);
    poller = epoll_create1(0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    come_in((uint32_t)atoi(arguments[6]));
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = STDIN}};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event)) fail("commands come through a pipe");
    for (;;) {
        if (strchr(command, '\n')) obey();
        else turn(1000);
    }
}
