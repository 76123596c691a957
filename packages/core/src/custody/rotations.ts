import { SallyportError } from '../base/errors.ts';
import type { Holder } from './holder.ts';
import type { CustodyParts } from './parts.ts';
import { takeIn } from './take-in.ts';

/** See {@link Custody.watch}. */
export async function watchCredentials(parts: CustodyParts, entry: Holder): Promise<void> {
  const { running } = entry;
  const ended = new AbortController();
  void running.machine.exited.then(() => ended.abort());
  void followOffers(parts, entry, ended.signal).catch((error: unknown) => {
    if (!ended.signal.aborted) parts.reportBackground(`following the credentials of machine ${running.id}`, error);
  });
  for (const provider of entry.providers) {
    if (entry.withheld.has(provider)) continue;
    await running.agent.watchCredentials(provider, parts.registry.get(provider).manifest.credentials);
  }
}

async function followOffers(parts: CustodyParts, entry: Holder, signal: AbortSignal): Promise<void> {
  const { running, userId } = entry;
  for await (const event of running.agent.events(signal)) {
    if (event.type === 'credential.rejected') {
      noteRejected(parts, entry, event.provider, event.problem);
    } else if (event.type === 'credential.offered') {
      const { provider, files, offerId } = event;
      // The machine invented this provider. There is nothing to store.
      if (!parts.registry.has(provider)) continue;
      for (const listener of entry.offerListeners) listener(provider, files);
      // A machine can invent new versions as fast as it likes. Without an answer the agent offers its newest again, every
      // few seconds, and the disk still has it at the next stop.
      const key = JSON.stringify([running.id, provider]);
      if (!parts.rotationLimit.allows(key)) continue;
      // If this fails, the agent offers it again, and the disk still has it at the next stop.
      await parts.bestEffort(`storing a rotation from machine ${running.id}`, async () => {
        const outcome = await entry.intake(() =>
          takeIn(parts, { userId, provider, machineId: running.id, files, reason: 'rotation' }),
        );
        if (outcome.outcome === 'stored') parts.rotationLimit.note(key);
        if (outcome.outcome === 'refused') noteRejected(parts, entry, provider, outcome.problem);
        await running.agent.acknowledge(offerId);
      });
    }
  }
}

/** A machine can cause refusals of its files as often as it likes. */
function noteRejected(parts: CustodyParts, { running, userId }: Holder, provider: string, problem: string): void {
  if (!parts.registry.has(provider)) return;
  parts.repeatLimit.note({
    scope: running.id,
    kind: `${provider} ${problem}`,
    group: provider,
    tell: (count, isOther) =>
      parts.emit({
        type: 'credential.rejected',
        userId,
        provider,
        problem: isOther ? 'other problems' : problem,
        ...(count > 1 && { count }),
      }),
  });
}

/** See {@link Custody.capture}. */
export async function captureCredentials(parts: CustodyParts, { running, userId, intake }: Holder): Promise<void> {
  const machineId = running.id;
  for (const provider of Object.keys((await parts.store.machines.get(machineId))?.injected ?? {})) {
    if (!parts.registry.has(provider)) continue;
    const standing = await parts.ledger.standing(userId, provider);
    // A credential that does not rotate is still the version that was injected.
    if (standing?.holder !== machineId || standing.facts.rotates === false) continue;
    const files = await running.agent.capture(provider, parts.registry.get(provider).manifest.credentials);
    const outcome =
      files && (await intake(() => takeIn(parts, { userId, provider, machineId, files, reason: 'rotation' })));
    if (outcome && outcome.outcome !== 'refused') continue;
    const problem = outcome?.problem ?? 'it is not complete';
    throw new SallyportError('CREDENTIAL_INCOMPLETE', `The ${provider} login of machine ${machineId}: ${problem}.`);
  }
}
