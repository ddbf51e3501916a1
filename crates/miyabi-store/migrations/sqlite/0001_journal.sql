-- The journal of all runs, and the list of runs that is projected from it. Makes empty tables, holds no lock for long.

-- Exactly one row: who may write, and the place of the last event of all. Every commit reads the epoch and compares
-- it with the one its writer took at open; a writer that was replaced finds another number and writes nothing.
create table journal_head (
  id integer not null primary key check (id = 1),
  epoch integer not null check (epoch >= 0),
  global_seq integer not null check (global_seq >= 0),
  taken_at integer not null
) strict;

insert into journal_head (id, epoch, global_seq, taken_at) values (1, 0, 0, 0);

-- A run's row after its last event. It does not refer to `projects`: the journal is the record of what was done and
-- outlives a project that is disconnected.
create table runs (
  tenant_id text not null,
  id text not null,
  project_id text not null,
  title text not null,
  issue integer,
  status text not null check (status in ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
  stage text check (stage in ('issue', 'coordinate', 'generate', 'review', 'pull_request', 'deploy')),
  stop_kind text,
  stop_cause text,
  waits_for text not null check (json_valid(waits_for)),
  pull_request integer,
  seq integer not null check (seq > 0),
  chain blob not null check (length(chain) = 32),
  cost_usd_micros integer not null,
  tokens integer not null,
  active_ms integer not null,
  is_scripted integer not null check (is_scripted in (0, 1)),
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id),
  check ((stop_kind is null) = (stop_cause is null))
) strict;

create index runs_of_project on runs (tenant_id, project_id, id);
-- Few of many: what workers take up and what waits for people.
create index runs_unfinished on runs (tenant_id, id) where status in ('queued', 'running', 'waiting');

-- Append-only. `payload` is the event's JSON, byte for byte what `chain` was computed over. The place among all
-- events is the table's key, so that new events go to the end of the file.
create table run_events (
  global_seq integer not null primary key,
  tenant_id text not null,
  project_id text not null,
  run_id text not null,
  seq integer not null check (seq > 0),
  kind text not null,
  at integer not null,
  chain blob not null check (length(chain) = 32),
  payload text not null check (json_valid(payload)),
  unique (tenant_id, run_id, seq),
  foreign key (tenant_id, run_id) references runs (tenant_id, id)
) strict;

create index run_events_of_tenant on run_events (tenant_id, global_seq);
create index run_events_of_project on run_events (tenant_id, project_id, global_seq);

create trigger run_events_stay_as_written before update on run_events
begin
  select raise(abort, 'an event is never changed');
end;
