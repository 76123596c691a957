import { SallyportError, withheldBecause } from '@sallyport/core';
import type { Clock, ProviderPolicy } from '@sallyport/core';
import type { ProviderManifest } from '@sallyport/core/provider';
import type { Store } from '@sallyport/core/store';
import type { Command } from 'commander';

import { defaultUnlessNamed } from './context.ts';
import type { CommandContext } from './context.ts';
import { registerVerify } from './verify.ts';

/** What `sallyport providers` works with. */
interface ProvidersCommand {
  readonly manifests: readonly ProviderManifest[];
  readonly policy: ProviderPolicy;
  readonly store: Pick<Store, 'audit' | 'providerSwitches' | 'sessions' | 'prompts'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly print: (line: string) => void;
}

/**
 * `sallyport providers`: lists the providers, or switches one off or on for every server on this database. Servers that
 * run look at the switches about once a second, so nothing has to be restarted. Also verifies one.
 */
export function registerProviders(
  program: Command,
  context: Pick<CommandContext, 'words' | 'clock' | 'print' | 'loadConfig' | 'withStore' | 'configFile' | 'exitWith'>,
): void {
  const withProviders = async (work: (command: ProvidersCommand) => Promise<void>): Promise<void> => {
    const { providers, deployment, acceptedTerms } = await context.loadConfig();
    const manifests = providers.map(({ manifest }) => manifest);
    const policy = { deployment, acceptedTerms };
    await context.withStore((store) => work({ ...context, manifests, policy, store }));
  };
  const group = program
    .command('providers')
    .description('list the providers, switch one off or on while servers run, or verify one');
  group
    .command('list', defaultUnlessNamed(context))
    .description('say what is on, what is off and why, and whose terms have been read (default)')
    .action(() => withProviders(list));
  for (const action of ['disable', 'enable'] as const) {
    group
      .command(action)
      .description(`switch a provider ${action === 'disable' ? 'off' : 'on'} for every server on this database`)
      .argument('<id>', 'the provider')
      .action((id: string) => withProviders((command) => switchProvider(command, id, action === 'disable')));
  }
  registerVerify(group, context);
}

async function list({ manifests, policy, store, print }: ProvidersCommand): Promise<void> {
  const off = await store.providerSwitches.disabled();
  for (const manifest of manifests) {
    const { id, title, terms } = manifest;
    const withheld = withheldBecause(manifest, policy) !== undefined;
    const state = off.includes(id) ? 'disabled' : withheld ? 'off (terms)' : 'on';
    const allowed = terms.deployments.join(', ') || 'none';
    print(`${id.padEnd(16)}${state.padEnd(14)}${title}`);
    print(`${' '.repeat(16)}terms ${terms.url}, read ${terms.reviewed ?? 'by nobody yet'}; listed for: ${allowed}`);
  }
}

async function switchProvider(
  { manifests, policy, store, clock, print }: ProvidersCommand,
  name: string,
  disable: boolean,
) {
  const manifest = manifests.find(({ id, aliases }) => id === name || aliases.includes(name));
  if (!manifest) {
    throw new SallyportError('PROVIDER_UNKNOWN', `There is no provider ${JSON.stringify(name.slice(0, 40))}.`, {
      hint: `The configuration has ${manifests.map(({ id }) => id).join(', ')}.`,
    });
  }
  const { id, title } = manifest;
  const wasDisabled = (await store.providerSwitches.disabled()).includes(id);
  await store.providerSwitches.set(id, disable);
  if (disable !== wasDisabled) {
    const type = disable ? 'provider.disabled' : 'provider.enabled';
    await store.audit.append({ at: new Date(clock.now()), type, userId: null, data: { provider: id } });
  }
  if (!disable) {
    const withheld = withheldBecause(manifest, policy);
    print(`${title} is switched on again.`);
    if (withheld !== undefined) print(`It stays off all the same: ${withheld} See acceptedTerms.`);
    return;
  }
  const isIts = ({ provider }: { readonly provider: string }): boolean => provider === id;
  const logins = (await store.sessions.live()).filter(isIts).length;
  const prompts = (await store.prompts.running()).filter(isIts).length;
  print(`${title} is switched off: no new logins, no new prompts. Stored logins are kept.`);
  print(
    `Of those under way, ${logins} logins end within seconds, and ${prompts} prompts may finish for a little while.`,
  );
}
