import type { Client } from 'pg';

/** Machines are spread over hosts, as many on each however many users there are. */
const USERS_PER_HOST = 40;

/** The id of the user with this number, from 1. */
export const manyUserId = (at: number): string => idOf('user', at);
export const manySessionId = (at: number): string => idOf('session', at);
export const manyPromptId = (at: number): string => idOf('prompt', at);
export const manyMachineId = (at: number): string => `m-cli-${at}`;
export const manyLinkId = (at: number): string => idOf('link', at);
export const manyHost = (at: number): string => `host-${Math.floor(at / USERS_PER_HOST)}`;

const idOf = (kind: string, at: number): string =>
  `00000000-0000-4000-8000-${{ user: '1', session: '2', prompt: '3', link: '4' }[kind]}${String(at).padStart(11, '0')}`;

/**
 * Adds users `from` to `to` with what a year leaves of each: a machine that is stopped, removed ones, logins, prompts with their
 * journals, a credential with its older versions, keys, links and an audit log. One in a hundred has a login that ends soon, and was
 * told. Then lets the planner look at it, as autovacuum does. With a name, all machines are on the host of that name.
 */
export async function addManyUsers(client: Client, from: number, to: number, onHost?: string): Promise<void> {
  const users = `generate_series(${from}, ${to}) as n`;
  const id = (kind: 'user' | 'session' | 'prompt' | 'link', number: string): string =>
    `('${idOf(kind, 0).slice(0, 25)}' || lpad((${number})::text, 11, '0'))::uuid`;
  const user = id('user', 'n');
  const host = onHost === undefined ? `'host-' || n / ${USERS_PER_HOST}` : client.escapeLiteral(onHost);
  const digest = (text: string): string => `encode(sha256((${text})::text::bytea), 'hex')`;
  const age = (days: string): string => `now() - make_interval(days => 1 + (${days}) % 20, secs => n)`;
  await client.query(`
    begin;
    insert into sallyport.users (user_id, external_id, vm_id, decodo_proxy_port)
      select ${user}, 'name-' || n, 'm-cli-' || n, case when n % 2 = 0 then 10000 + n end from ${users};
    insert into sallyport.vms (vm_id, user_id, type, driver, host, vcpu_count, memory_mb, status, epoch, created_at)
      select 'm-cli-' || n, ${user}, 'cli', 'process', ${host}, 1, 384, 'stopped', 3, ${age('n')} from ${users};
    insert into sallyport.vms (vm_id, user_id, type, driver, host, vcpu_count, memory_mb, status, epoch, created_at, destroyed_at)
      select 'm-browser-' || n || '-' || k, ${user}, 'browser', 'process', ${host}, 1, 1536, 'destroyed', 1, ${age('k')}, ${age('k')}
      from ${users}, generate_series(1, 5) as k;
    insert into sallyport.auth_sessions (session_id, user_id, provider, method, display, status, phase, host, created_at, updated_at)
      select ${id('session', 'n * 3 + k')}, ${user}, 'codex', 'oauth', 'desktop', 'completed', 'completed', ${host}, ${age('k')}, ${age('k')}
      from ${users}, generate_series(0, 2) as k;
    insert into sallyport.auth_session_events (session_id, event)
      select ${id('session', 'n * 3 + k')}, '{"type":"phase","phase":"completed"}' from ${users}, generate_series(0, 2) as k, generate_series(1, 3);
    insert into sallyport.provider_credentials (credential_id, user_id, provider, version, sha256, facts, encrypted_credentials,
        encryption_iv, encryption_tag, encryption_salt, wrapped_key, key_id, warned_for)
      select ${user}, ${user}, 'codex', 3, ${digest(`n || '-3'`)}, facts, '\\x00', 'iv', 'tag', 'salt', '\\x00', 'key-1',
        case when n % 100 = 0 then (facts ->> 'loginExpiresAt')::numeric end
      from ${users}, lateral (select jsonb_build_object('lineage', 'line-' || n, 'loginExpiresAt',
        (extract(epoch from now())::bigint + case when n % 100 = 0 then 3600 else 86400 * (10 + n % 300) end) * 1000) as facts) as made;
    insert into sallyport.provider_credential_versions (user_id, provider, version, credential_id, sha256, facts)
      select ${user}, 'codex', k, ${user}, ${digest(`n || '-' || k`)}, '{}' from ${users}, generate_series(1, 3) as k;
    insert into sallyport.provider_credential_leases (user_id, provider, vm_id, disk_nonce)
      select ${user}, 'codex', 'm-cli-' || n, 'nonce' from ${users} where n % 2 = 0;
    insert into sallyport.prompts (prompt_id, user_id, provider, conversation_id, status, host, created_at, ended_at)
      select ${id('prompt', 'n * 4 + k')}, ${user}, 'codex', 'talk-' || k % 2, 'completed', ${host}, ${age('k')}, ${age('k')}
      from ${users}, generate_series(0, 3) as k;
    insert into sallyport.prompt_events (prompt_id, event)
      select ${id('prompt', 'n * 4 + k')}, '{"type":"text","text":"hello"}' from ${users}, generate_series(0, 3) as k, generate_series(1, 3);
    insert into sallyport.audit_log (at, type, user_id, data)
      select ${age('k')}, case k % 2 when 0 then 'login.completed' else 'prompt.ended' end, ${user}, '{}' from ${users}, generate_series(1, 8) as k;
    insert into sallyport.idempotency_keys (user_id, route, key, body_sha256, resource_id, completed, created_at)
      select ${user}, 'prompt', 'key-' || k, ${digest('n')}, ${id('prompt', 'n')}, true, now() - make_interval(hours => 20 + k) from ${users}, generate_series(1, 2) as k;
    insert into sallyport.connect_links (link_id, user_id, replace, return_url, token_sha256, browser_sha256, code_sha256, code_expires_at,
        expires_at, spent_at)
      select ${id('link', 'n')}, ${user}, false, 'https://product.test/', ${digest(`'token-' || n`)}, ${digest(`'browser-' || n`)}, ${digest(`'code-' || n`)},
        now() + interval '1 hour', now() + interval '1 hour', case when n % 100 = 0 then now() end
      from ${users};
    insert into sallyport.servers (host, epoch, heartbeat_at)
      select distinct ${host}, 1, now() from ${users} on conflict do nothing;
    insert into sallyport.erasures (user_id, erasure_id) select gen_random_uuid(), gen_random_uuid() from ${users};
    commit;
    analyze;
  `);
}
