-- the outbox by the order in which its rows were written, built beside running processes
-- depends: 0005_the_line_moves
-- transaction: false

-- migrate: apply

drop index concurrently if exists outbox_in_order;
create unique index concurrently outbox_in_order on outbox (sequence);

-- migrate: rollback

drop index concurrently if exists outbox_in_order;
