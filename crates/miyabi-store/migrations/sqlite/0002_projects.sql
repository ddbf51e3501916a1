-- The connected repositories. Makes an empty table.

create table projects (
  tenant_id text not null,
  id text not null,
  name text not null,
  path text not null,
  branch text not null,
  created_at integer not null,
  primary key (tenant_id, id),
  unique (tenant_id, name),
  unique (tenant_id, path)
) strict;
