-- Answers to requests by idempotency key. Makes an empty table.

create table idempotency (
  tenant_id text not null,
  key text not null,
  request blob not null check (length(request) = 32),
  answer blob not null,
  noted_at integer not null,
  primary key (tenant_id, key)
) strict;

create index idempotency_by_time on idempotency (noted_at);
