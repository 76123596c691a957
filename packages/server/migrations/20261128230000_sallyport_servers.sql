-- Which server owns the rows of each host. Raised by each claim: transactions of an older epoch are refused.
create table sallyport.servers (
  host text primary key,
  epoch integer not null check (epoch > 0),
  -- Null once the server has stopped.
  heartbeat_at timestamptz
);

alter table sallyport.servers enable row level security;

-- The server that runs it. Null in rows from before this column.
alter table sallyport.auth_sessions add column host text;
alter table sallyport.prompts add column host text;
