-- Logins and prompts are deleted when they are old, and with their user or provider.
create index auth_sessions_ended on sallyport.auth_sessions (updated_at)
  where status not in ('pending', 'ready', 'awaiting_user_auth');
create index auth_sessions_user on sallyport.auth_sessions (user_id);
create index prompts_ended on sallyport.prompts ((coalesce(ended_at, created_at))) where status <> 'running';
create index prompts_user on sallyport.prompts (user_id);
