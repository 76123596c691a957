-- Logins and prompts are deleted when they are old, and with their user or provider.
create index auth_sessions_ended on auth_sessions (updated_at)
  where status not in ('pending', 'ready', 'awaiting_user_auth');
create index auth_sessions_user on auth_sessions (user_id);
create index prompts_ended on prompts ((coalesce(ended_at, created_at))) where status <> 'running';
create index prompts_user on prompts (user_id);
