import { SallyportError } from '../base/errors.ts';

/** What an application cannot run without, and what each is for. */
const required = [
  { name: 'providers', purpose: 'the CLIs that users connect' },
  { name: 'driver', purpose: 'creates machines' },
  { name: 'store', purpose: 'keeps logins and prompts' },
  { name: 'egress', purpose: 'connects machines to the network' },
  { name: 'keyRing', purpose: 'seals credentials' },
  { name: 'connectAgent', purpose: 'calls the agent in a machine' },
  { name: 'agent', purpose: 'the program that runs in each machine' },
  { name: 'installCli', purpose: 'installs CLIs on this host' },
  { name: 'callbackPorts', purpose: 'reserves the callback ports of logins' },
] as const;

type RequiredOption = (typeof required)[number]['name'];

/**
 * Throws `CONFIG_INVALID` with the name of each required option that is missing. TypeScript reports the same, but
 * JavaScript does not, and without this the first login would fail on `undefined`.
 */
export function checkRequiredOptions(options: Readonly<Partial<Record<RequiredOption, unknown>>>): void {
  const missing = required.filter(({ name }) => options[name] === undefined || options[name] === null);
  if (missing.length === 0) return;
  const described = missing.map(({ name, purpose }) => `\`${name}\` (${purpose})`).join(', ');
  throw new SallyportError('CONFIG_INVALID', `createSallyport was called without ${described}.`, {
    hint: 'Pass it, or take it from `openHostPreset()` of @sallyport/server/presets: createSallyport({ ...host.options, providers }).',
    details: { missing: missing.map(({ name }) => name) },
  });
}
