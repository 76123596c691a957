import { text } from './host-state.ts';
import type { HostState, Row } from './host-state.ts';

/** What holds for every state that a stopped server leaves, whatever it was killed at. Returns what does not hold. */
export function findDisorder(state: HostState): readonly string[] {
  return [...machineDisorder(state), ...journalDisorder(state), ...credentialDisorder(state), ...auditDisorder(state)];
}

function machineDisorder({ tables, machines, claims, processes }: HostState): readonly string[] {
  const rows = (tables['vms'] ?? []).filter(({ status }) => status !== 'destroyed' && status !== 'lost');
  const known = rows.map(({ vm_id: id }) => text(id));
  const owners = Object.values(claims);
  return [
    ...machines.filter((id) => !known.includes(id)).map((id) => `machine ${id} has a directory and no row`),
    ...known.filter((id) => !machines.includes(id)).map((id) => `machine ${id} has a row and no directory`),
    ...rows
      .filter(({ status }) => status !== 'stopped')
      .map(({ vm_id, status }) => `machine ${text(vm_id)} is ${text(status)} without a server`),
    ...rows
      .filter(({ type }) => type === 'browser')
      .map(({ vm_id }) => `browser machine ${text(vm_id)} outlived its login`),
    ...owners.filter((id) => !known.includes(id)).map((id) => `a user ID is claimed for ${id}, which has no row`),
    ...owners.filter((id, place) => owners.indexOf(id) !== place).map((id) => `machine ${id} has two user IDs`),
    ...processes.map((command) => `a process is left: ${command}`),
  ];
}

function journalDisorder({ tables }: HostState): readonly string[] {
  const sessions = (tables['auth_sessions'] ?? []).map((row) => ({
    name: `login ${text(row['session_id'])}`,
    isLive: ['pending', 'ready', 'awaiting_user_auth'].includes(text(row['status'])),
    ends: eventsOf(tables['auth_session_events'], 'session_id', row).filter(({ type }) => type === 'done'),
  }));
  const prompts = (tables['prompts'] ?? []).map((row) => ({
    name: `prompt ${text(row['prompt_id'])}`,
    isLive: row['status'] === 'running',
    ends: eventsOf(tables['prompt_events'], 'prompt_id', row).filter(({ type }) => type === 'prompt-end'),
  }));
  return [...sessions, ...prompts].flatMap(({ name, isLive, ends }) => [
    ...(isLive ? [`${name} goes on without a server`] : []),
    ...(ends.length === 1 ? [] : [`${name} has ${ends.length} ends`]),
  ]);
}

function eventsOf(rows: readonly Row[] | undefined, key: string, owner: Row): readonly { readonly type?: unknown }[] {
  return (rows ?? []).filter((row) => row[key] === owner[key]).map((row) => Object(row['event']));
}

function credentialDisorder({ tables }: HostState): readonly string[] {
  const current = tables['provider_credentials'] ?? [];
  const present = new Set(
    (tables['vms'] ?? []).filter(({ status }) => status !== 'destroyed').map((row) => row['vm_id']),
  );
  return [
    ...current.flatMap((row) => {
      const versions = (tables['provider_credential_versions'] ?? [])
        .filter((version) => version['user_id'] === row['user_id'] && version['provider'] === row['provider'])
        .map(({ version }) => Number(version))
        .toSorted((a, b) => a - b);
      const isWhole = versions.every((version, place) => version === place + 1) && versions.at(-1) === row['version'];
      return isWhole ? [] : [`a credential at version ${text(row['version'])} has the versions ${versions.join(', ')}`];
    }),
    ...(tables['provider_credential_leases'] ?? [])
      .filter(({ vm_id }) => !present.has(vm_id))
      .map(({ vm_id }) => `machine ${text(vm_id)}, which is gone, holds a credential`),
  ];
}

const STARTED = ['login.started', 'prompt.started'];
const ENDED = ['login.completed', 'login.failed', 'login.cancelled', 'prompt.ended'];

/** The start and the end of each login and prompt are audited once, however often a server was killed over them. */
function auditDisorder({ tables }: HostState): readonly string[] {
  const entries = (tables['audit_log'] ?? []).map(({ type, data }) => {
    const { sessionId, promptId } = Object(data);
    return { type: text(type), id: sessionId ?? promptId };
  });
  const ids = [
    ...(tables['auth_sessions'] ?? []).map((row) => row['session_id']),
    ...(tables['prompts'] ?? []).map((row) => row['prompt_id']),
  ];
  return ids.flatMap((id) => {
    const types = entries.filter((entry) => entry.id === id).map(({ type }) => type);
    const [starts, ends] = [STARTED, ENDED].map((kinds) => types.filter((type) => kinds.includes(type)).length);
    return starts === 1 && ends === 1 ? [] : [`${text(id)} has ${starts} starts and ${ends} ends in the audit log`];
  });
}
