import { SallyportError } from '@sallyport/core';
import { runRefresh } from '@sallyport/core/engine';
import type { MethodChoice } from '@sallyport/core';

import { agentOfUser } from './verify-command.ts';
import { verifyPrompt } from './verify-prompt.ts';
import type { Verification } from './verification.ts';

const WRITE_BACK_MS = 20_000;
const LOOK_EVERY_MS = 100;

/**
 * Every access token ends; the next prompt works all the same, and the ledger has what the CLI refreshed. Where the CLI
 * has a command that refreshes its login, that does too.
 */
export async function verifyRefresh(
  verification: Verification,
  { gives }: MethodChoice,
  userId: string,
  signal: AbortSignal,
): Promise<void | 'none'> {
  const { vendor, provider } = verification;
  const { commands, credentials } = provider.manifest;
  if (!credentials.some((item) => gives.includes(item.id) && item.as === 'file' && item.rotates)) return 'none';
  await expectRefresh(verification, userId, signal, async () => {
    await vendor.endAccessTokens();
    await verifyPrompt(verification, userId, signal);
    return 'The CLI answered without refreshing a token that had ended.';
  });
  if (!commands.refresh) return undefined;
  const command = `\`${commands.refresh.argv.join(' ')}\``;
  await expectRefresh(verification, userId, signal, async () => {
    const outcome = await runRefresh(await agentOfUser(verification, userId), provider.manifest, {
      signal,
      // No other CLI runs on this machine.
      pinnedInWork: [],
    });
    if (outcome === 'ok') return `${command} says that it has refreshed the login, and the vendor was not asked.`;
    throw new SallyportError('CREDENTIAL_INVALID', `${command} did not refresh the login: ${outcome}.`);
  });
  return undefined;
}

/** Does something after which the vendor and the ledger have seen a refresh. `work` resolves to what it is when they have not. */
async function expectRefresh(
  { vendor, ledger, provider, clock }: Verification,
  userId: string,
  signal: AbortSignal,
  work: () => Promise<string>,
): Promise<void> {
  const { id } = provider.manifest;
  const before = await ledger.read(userId, id);
  const refreshed = (await vendor.lastLogin())?.refreshes ?? 0;
  const otherwise = await work();
  const login = await vendor.lastLogin();
  if (!login || login.refreshes <= refreshed) throw new SallyportError('CREDENTIAL_INVALID', otherwise);
  if (login.revokedBecause !== null) {
    throw new SallyportError('CREDENTIAL_INVALID', `The vendor has revoked the login: ${login.revokedBecause}.`);
  }
  const until = clock.monotonic() + WRITE_BACK_MS;
  while ((await ledger.read(userId, id)).version <= before.version) {
    if (clock.monotonic() > until) {
      throw new SallyportError('CREDENTIAL_STALE', 'What the CLI refreshed did not come back from its machine.');
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}
