import { SallyportError } from '../errors.ts';
import { failSession } from '../login/session.ts';
import type { Runtime } from '../runtime.ts';

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
    await failSession(runtime, session, new SallyportError('LOGIN_INTERRUPTED', `The server was restarted while this login was in phase "${session.phase}".`));
  }
}

async function endPrompts(runtime: Runtime): Promise<void> {
  for (const prompt of await runtime.store.prompts.running()) {
    await runtime.store.prompts.append(prompt.promptId, [
      { type: 'prompt-end', outcome: 'failed', code: 'PROMPT_FAILED', message: 'The server was restarted while this prompt ran.', hint: 'Send the prompt again.' },
    ]);
  }
}

/**
 * No machine outlives its server with a token we still know, so each is stopped. A browser machine has no
 * session any more and is destroyed; a CLI machine keeps its disk, whose credentials are harvested before
 * the next start. What the driver made but no row knows is ours too (it carries our label) and goes.
 */
async function reconcileMachines(runtime: Runtime): Promise<void> {
  const rows = new Map((await runtime.store.machines.list({ host: runtime.host })).map((row) => [row.machineId, row]));
  const found = new Set<string>();
  for (const ref of await runtime.driver.list()) {
    const row = rows.get(ref.machineId);
    const machine = await runtime.driver.adopt(ref);
    if (!machine) continue;
    if (!row || row.role === 'browser' || row.state === 'destroyed') {
      await machine.destroy();
      if (row) await runtime.setMachineState(row.machineId, row.userId, row.role, 'destroyed');
      continue;
    }
    found.add(ref.machineId);
    await machine.stop({ deadlineMs: 2_000 });
    if (row.state !== 'stopped') await runtime.setMachineState(row.machineId, row.userId, row.role, 'stopped');
  }
  for (const row of rows.values()) {
    if (found.has(row.machineId) || row.state === 'destroyed' || row.state === 'lost') continue;
    await runtime.setMachineState(row.machineId, row.userId, row.role, row.role === 'browser' ? 'destroyed' : 'lost');
  }
}
