-- The local forge. Makes empty tables.

-- One row per project that has an issue or a pull request: what its counters stand at.
create table forge_counters (
  tenant_id text not null,
  project_id text not null,
  last_number integer not null check (last_number >= 0),
  last_comment integer not null check (last_comment >= 0),
  primary key (tenant_id, project_id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id)
) strict;

-- The numbers given out: issues and pull requests share one sequence, and comments hang on either.
create table forge_numbers (
  tenant_id text not null,
  project_id text not null,
  number integer not null check (number > 0),
  kind text not null check (kind in ('issue', 'pull_request')),
  primary key (tenant_id, project_id, number),
  foreign key (tenant_id, project_id) references forge_counters (tenant_id, project_id)
) strict;

create table forge_issues (
  tenant_id text not null,
  project_id text not null,
  number integer not null,
  title text not null,
  body text not null,
  author text not null,
  author_label text not null
    check (author_label in ('operator', 'writer', 'other', 'repository', 'tool', 'model')),
  labels text not null check (json_valid(labels)),
  is_open integer not null check (is_open in (0, 1)),
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, project_id, number),
  foreign key (tenant_id, project_id, number) references forge_numbers (tenant_id, project_id, number)
) strict;

create table forge_pull_requests (
  tenant_id text not null,
  project_id text not null,
  number integer not null,
  title text not null,
  body text not null,
  head_branch text not null,
  head text not null,
  base_branch text not null,
  state text not null check (state in ('open', 'merged', 'closed')),
  merge_commit text,
  marker text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, project_id, number),
  unique (tenant_id, project_id, marker),
  check (merge_commit is null or state = 'merged'),
  foreign key (tenant_id, project_id, number) references forge_numbers (tenant_id, project_id, number)
) strict;

create table forge_comments (
  tenant_id text not null,
  project_id text not null,
  id integer not null check (id > 0),
  number integer not null,
  author text not null,
  author_label text not null
    check (author_label in ('operator', 'writer', 'other', 'repository', 'tool', 'model')),
  body text not null,
  marker text,
  created_at integer not null,
  primary key (tenant_id, project_id, id),
  unique (tenant_id, project_id, marker),
  foreign key (tenant_id, project_id, number) references forge_numbers (tenant_id, project_id, number)
) strict;

create index forge_comments_of_number on forge_comments (tenant_id, project_id, number, id);
