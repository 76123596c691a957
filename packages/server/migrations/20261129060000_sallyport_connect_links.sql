-- Links to a page that does one login for one user. Secrets are nowhere, only their digests.
create table sallyport.connect_links (
  link_id uuid primary key,
  user_id uuid not null,
  external_id text,
  provider text,
  replace boolean not null,
  return_url text not null,
  state text,
  token_sha256 text not null unique check (token_sha256 ~ '^[0-9a-f]{64}$'),
  -- The browser that has opened it.
  browser_sha256 text unique check (browser_sha256 ~ '^[0-9a-f]{64}$'),
  -- The last login. Its credential is kept under this id until the backend claims it.
  session_id uuid,
  code_sha256 text unique check (code_sha256 ~ '^[0-9a-f]{64}$'),
  code_expires_at timestamptz,
  expires_at timestamptz not null,
  spent_at timestamptz,
  created_at timestamptz not null default now()
);

create index connect_links_user on sallyport.connect_links (user_id);
create index connect_links_expiring on sallyport.connect_links (expires_at);

create function sallyport.create_connect_link(
  p_link_id uuid, p_user_id uuid, p_replace boolean, p_return_url text, p_token_sha256 text, p_lifetime_ms bigint,
  p_external_id text default null, p_provider text default null, p_state text default null, p_claim jsonb default null
) returns sallyport.connect_links[]
  language plpgsql set search_path = ''
as $$
declare
  created sallyport.connect_links;
begin
  perform sallyport.check_claim(p_claim);
  insert into sallyport.connect_links
      (link_id, user_id, external_id, provider, replace, return_url, state, token_sha256, expires_at)
    values (
      p_link_id, p_user_id, p_external_id, p_provider, p_replace, p_return_url, p_state, p_token_sha256,
      now() + p_lifetime_ms * interval '1 millisecond'
    )
    returning * into created;
  return array[created];
end $$;

-- Binds a link to the first browser. Empty if there is none, or it is bound.
create function sallyport.open_connect_link(
  p_token_sha256 text, p_browser_sha256 text, p_lifetime_ms bigint, p_claim jsonb default null
) returns sallyport.connect_links[]
  language plpgsql set search_path = ''
as $$
declare
  opened sallyport.connect_links;
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.connect_links set
      browser_sha256 = p_browser_sha256,
      expires_at = greatest(expires_at, now() + p_lifetime_ms * interval '1 millisecond')
    where token_sha256 = p_token_sha256 and browser_sha256 is null and spent_at is null and expires_at > now()
    returning * into opened;
  return case when found then array[opened] else '{}' end;
end $$;

create function sallyport.get_connect_link(p_browser_sha256 text) returns sallyport.connect_links[]
  language sql stable set search_path = ''
as $$
  select array(
    select l from sallyport.connect_links l
    where browser_sha256 = p_browser_sha256 and spent_at is null and expires_at > now()
  );
$$;

create function sallyport.set_connect_link_session(
  p_link_id uuid, p_session_id uuid, p_expected uuid default null, p_claim jsonb default null
) returns boolean
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.connect_links set session_id = p_session_id
    where link_id = p_link_id and session_id is not distinct from p_expected
      and spent_at is null and expires_at > now();
  return found;
end $$;

create function sallyport.set_connect_link_code(
  p_link_id uuid, p_code_sha256 text, p_lifetime_ms bigint, p_claim jsonb default null
) returns boolean
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.connect_links set
      code_sha256 = p_code_sha256, code_expires_at = now() + p_lifetime_ms * interval '1 millisecond'
    where link_id = p_link_id and spent_at is null and expires_at > now();
  return found;
end $$;

create function sallyport.spend_connect_link(p_code_sha256 text, p_claim jsonb default null)
  returns sallyport.connect_links[]
  language plpgsql set search_path = ''
as $$
declare
  spent sallyport.connect_links;
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.connect_links set spent_at = now()
    where code_sha256 = p_code_sha256 and code_expires_at > now() and spent_at is null and expires_at > now()
    returning * into spent;
  return case when found then array[spent] else '{}' end;
end $$;

-- Those of a user, or those that are over.
create function sallyport.list_connect_links(p_user_id uuid default null, p_limit integer default null)
  returns sallyport.connect_links[]
  language sql stable set search_path = ''
as $$
  select array(
    select l from sallyport.connect_links l
    where case
      when p_user_id is null then spent_at is not null or expires_at <= now()
      else user_id = p_user_id
    end
    order by expires_at, link_id
    limit p_limit
  );
$$;

create function sallyport.remove_connect_link(p_link_id uuid, p_claim jsonb default null) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  delete from sallyport.connect_links where link_id = p_link_id;
$$;

select sallyport.settle_access();
