-- Secrets, encrypted. Makes an empty table. `key_id` names the master key that wraps the row's own key; neither key
-- is stored in the database.

create table secrets (
  tenant_id text not null,
  name text not null,
  key_id text not null,
  wrapped_key blob not null,
  sealed blob not null,
  set_at integer not null,
  primary key (tenant_id, name)
) strict;
