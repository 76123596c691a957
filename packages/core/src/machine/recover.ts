import { SallyportError } from '../errors.ts';
import { loginPhases } from '../login/phases.ts';
import { failSession } from '../login/session.ts';
import type { Runtime } from '../runtime.ts';
import type { MachineRecord, SessionRecord } from '../store/store.ts';
import { loseCredentials, settleCredentials } from './credential-exchange.ts';
import type { MachineRef } from './driver.ts';

/**
 * Puts the world in order after a start: whatever a former process left half done ends in a defined state
 * that the person can go on from. Running it twice changes nothing more.
 */
export async function recover(runtime: Runtime): Promise<void> {
  await endSessions(runtime);
  await endPrompts(runtime);
  await reconcileMachines(runtime);
}

async function endSessions(runtime: Runtime): Promise<void> {
  for (const session of await runtime.store.sessions.live()) {
    if (session.phase === 'cleaning-up' && (await completeSession(runtime, session))) continue;
    await failSession(
      runtime,
      session,
      new SallyportError(
        'LOGIN_INTERRUPTED',
        `The server was restarted while this login was in phase "${session.phase}".`,
      ),
    );
  }
}

/** Its login was stored, and only the machine was still to be removed, which happens here anyway. */
async function completeSession(runtime: Runtime, session: SessionRecord): Promise<boolean> {
  const { sessionId, userId, provider } = session;
  const credential = await runtime.store.credentials.current(userId, provider);
  if (!credential) return false;
  const change = { status: 'completed', phase: 'completed', authUrl: null, userCode: null } as const;
  const { message } = loginPhases.completed;
  const done = { type: 'done', status: 'completed', phase: 'completed', message } as const;
  if (await runtime.store.sessions.update(sessionId, change, done)) {
    runtime.emit({ type: 'login.completed', userId, sessionId, provider, version: credential.version });
  }
  return true;
}

async function endPrompts(runtime: Runtime): Promise<void> {
  for (const { promptId, userId, provider } of await runtime.store.prompts.running()) {
    const written = await runtime.store.prompts.append(promptId, [
      {
        type: 'prompt-end',
        outcome: 'failed',
        code: 'PROMPT_FAILED',
        message: 'The server was restarted while this prompt ran.',
        hint: 'Send the prompt again.',
      },
    ]);
    if (written.length > 0) runtime.emit({ type: 'prompt.ended', userId, promptId, provider, outcome: 'failed' });
  }
}

/**
 * No machine outlives its server with a token we still know, so each is stopped. A browser machine has no
 * session any more and is destroyed; a CLI machine keeps its disk, whose credentials are harvested. One that
 * hibernates, by its row and by what the host says, sleeps on: it held nothing that was not stored. What the driver made but no row knows is ours too (it carries our label) and goes; what
 * belongs to another host's rows is left alone. One that resists is reported and does not keep the server down.
 */
async function reconcileMachines(runtime: Runtime): Promise<void> {
  const rows = new Map((await runtime.store.machines.list({ host: runtime.host })).map((row) => [row.machineId, row]));
  const refs = await runtime.driver.list();
  for (const ref of refs) {
    await runtime.attempt(`clearing up machine ${ref.machineId}`, () =>
      settleMachine(runtime, ref, rows.get(ref.machineId)),
    );
  }
  const found = new Set(refs.map((ref) => ref.machineId));
  for (const row of rows.values()) {
    const { machineId, userId, role, state } = row;
    if (found.has(machineId) || state === 'destroyed' || state === 'lost') continue;
    await runtime.setMachineState(machineId, userId, role, role === 'browser' ? 'destroyed' : 'lost');
    if (role === 'cli') await loseCredentials(runtime, row, false);
  }
}

async function settleMachine(runtime: Runtime, ref: MachineRef, row: MachineRecord | undefined): Promise<void> {
  if (row?.state === 'hibernated' && ref.hibernated) return;
  if (!row && (await runtime.store.machines.get(ref.machineId))) return;
  const machine = await runtime.driver.adopt(ref);
  if (row?.role === 'cli' && row.state !== 'destroyed') {
    if (machine) {
      await machine.stop({ deadlineMs: 2_000 });
      await runtime.attempt(`harvesting machine ${row.machineId}`, () =>
        settleCredentials(runtime, row.userId, machine),
      );
    }
    const state = machine ? 'stopped' : 'lost';
    if (row.state !== state) await runtime.setMachineState(row.machineId, row.userId, 'cli', state);
    return;
  }
  await machine?.destroy();
  if (row && row.state !== 'destroyed') await runtime.setMachineState(row.machineId, row.userId, row.role, 'destroyed');
}
