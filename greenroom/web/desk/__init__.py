"""Pages for who hosts."""

from greenroom.web.desk import attendance, people, questions, schedule, session, webhooks

ROUTES = [
    *schedule.ROUTES,
    *webhooks.ROUTES,
    *session.ROUTES,
    *questions.ROUTES,
    *people.ROUTES,
    *attendance.ROUTES,
]
